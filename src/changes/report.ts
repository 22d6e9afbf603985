import type { ChangeEvent, Evidence, Measurement, RolloutLook } from '../contracts/index.ts'
import { authorOf, type Signer } from './actor.ts'
import type { Bundle } from './bundle.ts'
import { checkingRun, currentEvidence } from './facts.ts'
import { holdoutOf, holdoutWarning, holdoutWords, lastHoldout } from './holdout.ts'
import { waivedOf } from './waiver.ts'
import { dateOf, grouped, intervalOf, sharePercent } from './words.ts'

/** The change as a page of Markdown: what a reviewer reads, a pull request holds and an auditor files. */
export function reportOf(bundle: Bundle): string {
  const { change, evidence, events, rollout, looks, signOffs } = bundle
  const run = checkingRun(events)
  const current = run === undefined ? [] : currentEvidence(events, run, evidence)
  const holdout = lastHoldout(events)
  const warning = holdout === undefined ? undefined : holdoutWarning(holdout)
  const waivers = events.filter(({ type }) => type === 'change-waived')
  const sections = [
    `# ${change.id}: ${change.proposal.model} ${change.champion.label} → ${change.candidate.label}`,
    change.verdict === null ? `*${safe(stateOf(change))}*` : `**${change.verdict.sentence}**`,
    facts([
      ['State', stateOf(change)],
      ['Hypothesis', change.proposal.hypothesis],
      ['Goal', change.proposal.goal],
      ['Risk', change.proposal.risk],
      ['Author', signerWords(authorOf(change, events))],
      ['Proposed', timeOf(change.createdAt)],
      [
        'Data',
        `${bundle.dataset.name}, ${grouped(bundle.dataset.items)} items, \`${short(bundle.dataset.digest)}\`${holdout === undefined ? '' : `; ${holdoutWords(holdout)}`}`,
      ],
      ['Champion', `${change.champion.label} \`${short(change.champion.id)}\``],
      ['Candidate', `${change.candidate.label} \`${short(change.candidate.id)}\``],
    ]),
    warning === undefined ? '' : `> ${safe(warning)}.`,
    waivers.length === 0 ? '' : `## Waivers\n\n${waivers.map(waiverLine).join('\n')}`,
    change.verdict === null ? '' : `## CLASS\n\n${classTable(change.verdict.table)}`,
    current.length === 0
      ? ''
      : `## Evidence\n\n${current.map((one) => evidenceLine(one, events)).join('\n')}`,
    signOffs.length === 0
      ? ''
      : `## Sign-offs\n\n${signOffs.map((one) => `- ${safe(signerWords({ name: one.actor, key: one.key }), true)}, ${timeOf(one.at)}, evidence \`${short(one.evidenceHash)}\`${one.note === '' ? '' : `: ${safe(one.note)}`}`).join('\n')}`,
    rollout === null
      ? ''
      : `## Canary\n\n${rollout.state}${rollout.reason === null ? '' : `: ${safe(rollout.reason)}`}\n\n${looksTable(looks)}`,
    `## Log\n\n${events.map(eventLine).join('\n')}`,
    `Bundle \`${bundle.hash}\`. Check it with \`slipway verify\`.`,
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

function classTable(rows: readonly Measurement[]): string {
  const lines = rows.map((row) => {
    const isMeasured = row.estimate !== null || row.from !== 'not measured'
    const margin =
      row.unit === 'count'
        ? String(row.margin)
        : `${Number((row.margin * 100).toFixed(2))} ${row.unit === 'pp' ? 'pp' : '%'}`
    return isMeasured
      ? `| ${row.axis} | ${safe(row.measure)} | ${intervalOf(row)} | ${margin} | ${row.verdict} | ${safe(row.from)} |`
      : `| ${row.axis} | – | not measured | – | ${row.verdict} | – |`
  })
  return [
    '| axis | measure | candidate − champion | margin | verdict | from |',
    '|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

function evidenceLine(evidence: Evidence, events: readonly ChangeEvent[]): string {
  const read = events.findLast(({ type, data }) => type === 'holdout-read' && data.check === evidence.check)
  const used = read === undefined || evidence.check !== 'accuracy' ? '' : `; ${holdoutWords(holdoutOf(read))}`
  return `- **${evidence.check}** ${evidence.status}: ${safe(evidence.summary)}${used} (\`${short(evidence.hash)}\`, ${seconds(evidence)})`
}

/** Each debt of the change, the ones that are over too. */
function waiverLine(event: ChangeEvent): string {
  const { by, until, why, checks, was } = waivedOf(event)
  return `- ${safe(signerWords(by), true)} until ${dateOf(until)}, for ${checks.length === 0 ? 'what came after the checks' : checks.join(', ')}: ${safe(why)}. Before it: ${safe(was)}`
}

/** The name that people know, and what tells two of the same name apart. */
function signerWords({ name, key }: Signer): string {
  return key === undefined ? name : `${name} (key \`${key}\`)`
}

/** The looks at which something was decided, and the last one. */
function looksTable(looks: readonly RolloutLook[]): string {
  const told = looks.filter((look, index) => look.decision !== 'continue' || index === looks.length - 1)
  if (told.length === 0) return 'The judge has not looked yet.'
  const lines = told.map(
    (look) =>
      `| ${timeOf(look.at)} | ${sharePercent(look.sharePercent)} | ${look.decision} | ${safe(look.reason)} |`,
  )
  return ['| at | share | decision | reason |', '|---|---|---|---|', ...lines].join('\n')
}

function eventLine({ at, actor, type, data }: ChangeEvent): string {
  const words = type.replaceAll('-', ' ')
  const what = [data.check, data.gate, data.result, data.reason ?? undefined].filter(
    (part) => typeof part === 'string',
  )
  const share = typeof data.sharePercent === 'number' ? [sharePercent(data.sharePercent)] : []
  const said = [...what, ...share].map((part) => safe(String(part))).join(', ')
  return `- ${timeOf(at)} ${safe(actor)}: ${words}${said === '' ? '' : ` (${said})`}`
}

function facts(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([name, value]) => `- ${name}: ${safe(value, true)}`).join('\n')
}

function stateOf({ state, reason }: { state: string; reason: string | null }): string {
  return reason === null ? state : `${state}: ${reason}`
}

/** Text that people wrote must not become markup or break a table. */
function safe(text: string, keepsCode = false): string {
  const oneLine = text.replace(/\s+/g, ' ').replace(/[\\|<>*_[\]#]/g, '\\$&')
  return keepsCode ? oneLine : oneLine.replaceAll('`', '\\`')
}

function short(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12)
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function seconds({ startedAt, finishedAt }: Evidence): string {
  return `${((finishedAt - startedAt) / 1000).toFixed(1)} s`
}
