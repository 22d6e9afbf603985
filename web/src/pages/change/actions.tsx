import { type ReactNode, useState } from 'react'
import type { Change, Rollout } from '../../../../src/contracts/index.ts'
import { client } from '../../data/client.ts'
import { sharePercent } from '../../format/numbers.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Failure } from '../../parts/panel.tsx'
import { useAct } from '../../parts/use-act.ts'

interface ActionsProps {
  readonly change: Change
  readonly rollout: Rollout | null
}

/** What a person can do to the change where it stands. What cannot be undone asks first and says what will move. */
export function Actions({ change, rollout }: ActionsProps) {
  const [asked, setAsked] = useState<'rollback' | 'withdraw' | 'sign'>()
  const act = useAct()
  const by = { params: { change: change.id } }
  const isRunning = rollout !== null && ['pending', 'progressing', 'promoting'].includes(rollout.state)
  const isPaused = rollout?.state === 'paused'
  const canStart = change.state === 'proposed' || change.state === 'inconclusive'
  const canWithdraw = [
    'proposed',
    'checking',
    'verdict',
    'staging',
    'sign-off',
    'inconclusive',
    'blocked',
    'waived',
  ].includes(change.state)
  const canRollBack = change.state === 'canary' || change.state === 'live'
  if (!canStart && !canWithdraw && !canRollBack) return null
  return (
    <div className="actions">
      {canStart && (
        <button
          type="button"
          className="button main"
          disabled={act.isBusy}
          onClick={() => act.run(() => client.call('startChange', by))}
        >
          {change.state === 'proposed' ? 'Start the checks' : 'Check again'}
        </button>
      )}
      {change.state === 'canary' && isRunning && (
        <button
          type="button"
          className="button main"
          disabled={act.isBusy}
          onClick={() => act.run(() => client.call('pauseChange', by))}
        >
          Pause
        </button>
      )}
      {change.state === 'canary' && isPaused && (
        <button
          type="button"
          className="button main"
          disabled={act.isBusy}
          onClick={() => act.run(() => client.call('resumeChange', by))}
        >
          Resume
        </button>
      )}
      {change.state === 'sign-off' && change.verdict !== null && (
        <button type="button" className="button main" onClick={() => setAsked('sign')}>
          Sign…
        </button>
      )}
      {canRollBack && (
        <button type="button" className="button risky" onClick={() => setAsked('rollback')}>
          Roll back…
        </button>
      )}
      {canWithdraw && (
        <button type="button" className="button" onClick={() => setAsked('withdraw')}>
          Withdraw…
        </button>
      )}
      {act.error !== undefined && <Failure error={act.error} />}
      {asked === 'rollback' && (
        <ReasonDialog
          title={`Roll back to ${change.champion.label}?`}
          action="Roll back"
          onClose={() => setAsked(undefined)}
          onAct={(reason) => client.call('abortChange', { ...by, body: { reason } })}
        >
          <RollbackWords change={change} rollout={rollout} />
        </ReasonDialog>
      )}
      {asked === 'withdraw' && (
        <ReasonDialog
          title={`Withdraw ${change.id}?`}
          action="Withdraw"
          onClose={() => setAsked(undefined)}
          onAct={(reason) => client.call('abortChange', { ...by, body: { reason } })}
        >
          <p>
            No traffic moves: {change.champion.label} answers everything. Running checks stop and what they
            measured is kept.
          </p>
        </ReasonDialog>
      )}
      {asked === 'sign' && change.verdict !== null && (
        <ReasonDialog
          title="Sign this evidence?"
          action="Sign"
          label="Note (optional)"
          isOptional
          onClose={() => setAsked(undefined)}
          onAct={(note) =>
            client.call('approveChange', {
              ...by,
              body: { evidenceHash: change.verdict?.evidenceHash ?? '', note },
            })
          }
        >
          <p>
            The signature holds for exactly this evidence and ends with it:
            <code className="block signed">{change.verdict.evidenceHash}</code>
          </p>
        </ReasonDialog>
      )}
    </div>
  )
}

function RollbackWords({ change, rollout }: { change: Change; rollout: Rollout | null }) {
  const share = rollout?.plan.steps[rollout.step]
  return (
    <p>
      One traffic write gives{' '}
      {share === undefined
        ? 'all requests'
        : `the ${sharePercent(share)} of requests on ${change.candidate.label}`}{' '}
      back to <b>{change.champion.label}</b>, which is kept at full capacity. It takes effect at once and ends
      this change; {change.candidate.label} needs a new one to come back.
    </p>
  )
}

interface ReasonDialogProps {
  readonly title: string
  readonly action: string
  readonly label?: string
  readonly isOptional?: boolean
  readonly onClose: () => void
  readonly onAct: (reason: string) => Promise<unknown>
  readonly children: ReactNode
}

function ReasonDialog({
  title,
  action,
  label = 'Why?',
  isOptional = false,
  onClose,
  onAct,
  children,
}: ReasonDialogProps) {
  const [reason, setReason] = useState('')
  const act = useAct()
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <form
        className="ask"
        onSubmit={(event) => {
          event.preventDefault()
          act.run(() => onAct(reason.trim()), onClose)
        }}
      >
        <label htmlFor="reason">{label}</label>
        <input
          id="reason"
          className="field"
          value={reason}
          required={!isOptional}
          maxLength={2000}
          autoComplete="off"
          onChange={(event) => setReason(event.target.value)}
        />
        {act.error !== undefined && <Failure error={act.error} />}
        <div className="actions">
          <button type="submit" className="button main" disabled={act.isBusy}>
            {action}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  )
}
