import { useEffect, useState } from 'react'

const SHOWN_MS = 2000

/** A word about what was just done, which goes away by itself. */
export function useSaid(): [string | undefined, (word: string) => void] {
  const [said, setSaid] = useState<string>()
  useEffect(() => {
    if (said === undefined) return
    const timer = setTimeout(() => setSaid(undefined), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [said])
  return [said, setSaid]
}
