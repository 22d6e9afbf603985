import { useSaid } from './use-said.ts'

/** `text` is asked for when it is wanted, so that a chart's table is not made for nothing. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [said, say] = useSaid()
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text())
      say('copied')
    } catch {
      say('the browser refused')
    }
  }
  return (
    <button type="button" className="copy" onClick={() => void copy()}>
      <span aria-live="polite">{said ?? label}</span>
    </button>
  )
}

export function Command({ children }: { children: string }) {
  return (
    <div className="command">
      <code>{children}</code>
      <CopyButton label="copy" text={() => children} />
    </div>
  )
}
