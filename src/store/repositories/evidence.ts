import type { Evidence, SignOff } from '../../contracts/index.ts'
import type { EvidenceRepository, SignOffRepository } from '../store.ts'
import type { Context } from './context.ts'
import { json } from './rows.ts'

export function evidenceRepository({ database: { db }, tell }: Context): EvidenceRepository {
  return {
    put: async (evidence) => {
      await db
        .insertInto('evidence')
        .values({
          hash: evidence.hash,
          change_id: evidence.change,
          check_name: evidence.check,
          plan_hash: evidence.planHash,
          status: evidence.status,
          summary: evidence.summary,
          body: json(evidence),
          finished_at: new Date(evidence.finishedAt),
        })
        .onConflict((conflict) => conflict.column('hash').doNothing())
        .execute()
      tell('evidence', evidence.change)
    },

    list: async (changeId) => {
      const rows = await db
        .selectFrom('evidence')
        .select('body')
        .where('change_id', '=', changeId)
        .orderBy('ordinal')
        .execute()
      return rows.map(({ body }) => body as Evidence)
    },

    find: async (changeId, check) => {
      const row = await db
        .selectFrom('evidence')
        .select('body')
        .where('change_id', '=', changeId)
        .where('check_name', '=', check)
        .orderBy('ordinal', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.body as Evidence | undefined
    },

    putBlock: async (changeId, check, planHash, index, block) => {
      await db
        .insertInto('evidence_blocks')
        .values({
          change_id: changeId,
          check_name: check,
          plan_hash: planHash,
          block: index,
          body: json(block),
        })
        .onConflict((conflict) =>
          conflict
            .columns(['change_id', 'check_name', 'plan_hash', 'block'])
            .doUpdateSet({ body: json(block) }),
        )
        .execute()
    },

    blocks: async (changeId, check, planHash) => {
      const rows = await db
        .selectFrom('evidence_blocks')
        .select(['block', 'body'])
        .where('change_id', '=', changeId)
        .where('check_name', '=', check)
        .where('plan_hash', '=', planHash)
        .orderBy('block')
        .execute()
      return new Map(rows.map(({ block, body }) => [block, body]))
    },
  }
}

export function signOffRepository({ database: { db }, tell }: Context): SignOffRepository {
  return {
    put: async (signOff) => {
      const said = {
        actor: signOff.actor,
        at: new Date(signOff.at),
        expires_at: new Date(signOff.expiresAt),
        note: signOff.note,
      }
      await db
        .insertInto('sign_offs')
        .values({
          change_id: signOff.change,
          gate: signOff.gate,
          key: signOff.key ?? null,
          signer: signOff.key ?? signOff.actor,
          evidence_hash: signOff.evidenceHash,
          ...said,
        })
        .onConflict((conflict) =>
          conflict.columns(['change_id', 'gate', 'signer', 'evidence_hash']).doUpdateSet(said),
        )
        .execute()
      tell('changes', signOff.change)
    },

    list: async (changeId) => {
      const rows = await db
        .selectFrom('sign_offs')
        .selectAll()
        .where('change_id', '=', changeId)
        .orderBy('ordinal')
        .execute()
      return rows.map((row) => ({
        change: row.change_id,
        gate: row.gate as SignOff['gate'],
        actor: row.actor,
        ...(row.key !== null && { key: row.key }),
        evidenceHash: row.evidence_hash,
        at: row.at.getTime(),
        expiresAt: row.expires_at.getTime(),
        note: row.note,
      }))
    },
  }
}
