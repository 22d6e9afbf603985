import { type ReactNode, useCallback, useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { changesQuery, incidentsQuery, modelsQuery } from '../data/queries.ts'
import { useConnection, useQuery } from '../data/use-query.ts'
import { isOpen } from '../pages/change/states.ts'
import { Help } from './help.tsx'
import { JumpBox } from './jump-box.tsx'
import { PLACES, type Shortcut, useShortcuts } from './shortcuts.ts'

/** What stands around every page: where one can go, how much is open there, and whether the page is live. */
export function Frame({ children }: { children: ReactNode }) {
  const [, navigate] = useLocation()
  const [isHelpOpen, setHelpOpen] = useState(false)
  const jump = useRef<HTMLInputElement>(null)
  const act = useCallback(
    (shortcut: Shortcut) => {
      if (shortcut.do === 'help') setHelpOpen(true)
      else if (shortcut.do === 'search') jump.current?.focus()
      else navigate(shortcut.path)
    },
    [navigate],
  )
  useShortcuts(act)
  return (
    <div className="app">
      <a className="skip" href="#main">
        To the content
      </a>
      <header className="side">
        <div className="side-inner">
          <Link href="/" className="brand">
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <path d="M0 0h6v6h6v6H6V6H0z" fill="currentColor" />
            </svg>
            Slipway
          </Link>
          <JumpBox input={jump} />
          <Places />
          <LiveState />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      {isHelpOpen && <Help onClose={() => setHelpOpen(false)} />}
    </div>
  )
}

function Places() {
  const [location] = useLocation()
  const models = useQuery(modelsQuery()).data
  const changes = useQuery(changesQuery()).data
  const incidents = useQuery(incidentsQuery()).data
  const counts: Record<string, number | undefined> = {
    '/models': models?.length,
    '/changes': changes?.filter(isOpen).length,
    '/incidents': incidents?.filter(({ closedAt }) => closedAt === null).length,
  }
  return (
    <nav aria-label="Pages">
      <ul>
        {PLACES.map(({ path, name }) => {
          const isHere = path === '/' ? location === '/' : location.startsWith(path)
          return (
            <li key={path}>
              <Link href={path} aria-current={isHere ? 'page' : undefined}>
                {name} {counts[path] !== undefined && counts[path] > 0 && <span>{counts[path]}</span>}
              </Link>
            </li>
          )
        })}
      </ul>
    </nav>
  )
}

function LiveState() {
  const { live } = useConnection()
  const says = {
    connecting: 'connecting…',
    open: 'live',
    lost: 'connection lost, trying again',
  }[live]
  return (
    <p className={live === 'lost' ? 'side-foot lost' : 'side-foot'} role="status">
      <span className={`live-dot ${live === 'open' ? '' : 'lost'}`} aria-hidden="true" />
      {says}
    </p>
  )
}
