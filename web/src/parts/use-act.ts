import { useState } from 'react'
import { refreshAll } from '../data/use-query.ts'

/** One action at a time; its failure is shown beside the button that caused it. */
export function useAct() {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const run = (work: () => Promise<unknown>, onDone?: () => void) => {
    setBusy(true)
    setError(undefined)
    work()
      .then(
        () => onDone?.(),
        (failure: unknown) => setError(failure),
      )
      .finally(() => {
        // After a failure too: what is shown beside it should be how things are now.
        refreshAll()
        setBusy(false)
      })
  }
  return { isBusy, error, run }
}
