import type { Change, Traffic, TrafficShares } from '../../../../src/contracts/index.ts'
import { ProblemError } from '../../../../src/sdk/index.ts'
import { client } from '../../data/client.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Failure } from '../../parts/panel.tsx'
import { useAct } from '../../parts/use-act.ts'
import { moveWords, splitWords } from './split-draft.ts'

interface MoveDialogProps {
  /** The split that the draft was made from; nothing is written when it is no longer the present one. */
  readonly base: Traffic
  readonly shares: TrafficShares
  /** As it is now. */
  readonly present: Traffic
  /** A change in its canary writes the same split. */
  readonly canary: Change | undefined
  readonly onClose: () => void
  readonly onDone: () => void
}

/** Says what will move before it moves, and writes only over the split that was looked at. */
export function MoveDialog({ base, shares, present, canary, onClose, onDone }: MoveDialogProps) {
  const act = useAct()
  const hasConflict = act.error instanceof ProblemError && act.error.problem.code === 'etag_mismatch'
  const { model } = base
  const write = () => {
    const body = Object.fromEntries(Object.entries(shares).filter(([, share]) => share > 0))
    act.run(
      () =>
        client.call(
          'putTraffic',
          { params: { model }, body },
          { headers: { 'if-match': `"${base.revision}"` } },
        ),
      onDone,
    )
  }
  return (
    <Dialog title={`Move traffic of ${model}?`} onClose={onClose}>
      <p>
        <b>{moveWords(base.shares, shares)}</b> It takes effect at once: {splitWords(shares)}. Everybody else
        keeps the version they have.
      </p>
      {canary !== undefined && (
        <p className="bad">
          {canary.id} is in its canary and writes this split too: its next step takes yours back. Pause or
          roll back there first.
        </p>
      )}
      {act.error !== undefined && <Failure error={act.error} />}
      {hasConflict && (
        <p>
          Nothing was written. The split is now {splitWords(present.shares)} (split {present.revision},{' '}
          {present.reason}).
        </p>
      )}
      <div className="actions">
        {hasConflict ? (
          <button type="button" className="button main" onClick={onDone}>
            Start from the new split
          </button>
        ) : (
          <button type="button" className="button main" disabled={act.isBusy} onClick={write}>
            Move
          </button>
        )}
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  )
}
