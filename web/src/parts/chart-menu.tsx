import { type KeyboardEvent, useId, useRef, useState } from 'react'
import { pictureOf, pngOf } from '../charts/picture.ts'
import { absolute } from '../format/times.ts'
import { useSaid } from './use-said.ts'

interface ChartMenuProps {
  /** What is copied: said to those who do not see where the menu stands. */
  readonly of: string
  readonly csv: () => string
}

/** In the title row of a chart: takes it along as a picture or as its numbers. */
export function ChartMenu({ of, csv }: ChartMenuProps) {
  const [isOpen, setOpen] = useState(false)
  const [said, say] = useSaid()
  const whole = useRef<HTMLDivElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const id = useId()

  const take = (what: Promise<string>) => {
    setOpen(false)
    opener.current?.focus()
    what.then(say, () => say('could not be drawn'))
  }
  const items = [
    { label: 'Copy as picture (PNG)', act: () => take(takePicture(whole.current, of)) },
    { label: 'Copy as table (CSV)', act: () => take(takeTable(csv(), of)) },
  ]
  const onKeyDown = (event: KeyboardEvent) => {
    const buttons = [...(whole.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])]
    const at = buttons.indexOf(document.activeElement as HTMLElement)
    if (event.key === 'ArrowDown' && !isOpen) setOpen(true)
    else if (event.key === 'ArrowDown') buttons[(at + 1) % buttons.length]?.focus()
    else if (event.key === 'ArrowUp') buttons.at(at <= 0 ? -1 : at - 1)?.focus()
    else if (event.key === 'Escape' && isOpen) {
      setOpen(false)
      opener.current?.focus()
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys act on the menu and its opener inside
    <div
      ref={whole}
      className="chart-menu"
      onKeyDown={onKeyDown}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false)
      }}
    >
      <button
        ref={opener}
        type="button"
        className="copy"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={`${said ?? 'copy'}: ${of}`}
        onClick={() => setOpen(!isOpen)}
      >
        {said ?? 'copy'} ▾
      </button>
      <span className="unseen" aria-live="polite">
        {said}
      </span>
      {isOpen && (
        <div id={id} role="menu" aria-label={`Copy: ${of}`} tabIndex={-1}>
          {items.map(({ label, act }, index) => (
            <button
              key={label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              ref={index === 0 ? (first) => first?.focus() : undefined}
              onClick={act}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}

/** The picture is drawn while the browser waits for it: a copy must begin within the click. */
function takePicture(menu: Element | null, name: string): Promise<string> {
  const panel = menu?.closest('.chart, .panel')
  if (panel == null) return Promise.reject(new Error('the menu stands in no chart'))
  const png = pngOf(pictureOf(panel, `${location.host}${location.pathname} · ${absolute(Date.now())}`))
  return copied(
    'picture',
    () => navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]),
    async () => download(await png, `${fileName(name)}.png`),
  )
}

function takeTable(csv: string, name: string): Promise<string> {
  return copied(
    'table',
    () => navigator.clipboard.writeText(csv),
    async () => download(new Blob([csv], { type: 'text/csv' }), `${fileName(name)}.csv`),
  )
}

/** Without HTTPS, or where the browser refuses, there is no clipboard: then it is a file. */
async function copied(what: string, copy: () => Promise<void>, save: () => Promise<void>): Promise<string> {
  try {
    await copy()
    return `${what} copied`
  } catch {
    await save()
    return `${what} saved`
  }
}

function download(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}

function fileName(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
