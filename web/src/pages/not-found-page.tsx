import { Link } from 'wouter'

export function NotFoundPage() {
  return (
    <>
      <title>Not found · Slipway</title>
      <h1>There is no page here.</h1>
      <p>
        <Link href="/">Home</Link> lists the models and changes; <kbd>/</kbd> goes to one by name.
      </p>
    </>
  )
}
