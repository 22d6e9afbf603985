import { Command } from '../parts/copy-button.tsx'

/** Shown in place of every page while nobody is signed in. */
export function SignInPage() {
  const here = location.pathname === '/signed-out' ? '/' : location.pathname
  return (
    <main className="signed-out">
      <title>Sign in · Slipway</title>
      <h1>You are not signed in here.</h1>
      <p>
        A browser signs in with a one-time link that somebody with a key makes. On the machine where Slipway
        runs, this prints one:
      </p>
      <Command>{here === '/' ? 'slipway open' : `slipway open ${here}`}</Command>
      <p className="mute">
        The link is good once and for ten minutes; the session for twelve hours, or until control restarts.
        Keys are never typed into a page.
      </p>
      <div className="actions">
        <button type="button" className="button" onClick={() => location.reload()}>
          I have signed in: try again
        </button>
      </div>
    </main>
  )
}
