import { Dialog } from './dialog.tsx'
import { PLACES } from './shortcuts.ts'

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        <dt>
          <kbd>/</kbd>
        </dt>
        <dd>go to a model or change</dd>
        {PLACES.map(({ key, name }) => [
          <dt key={key}>
            <kbd>g</kbd> <kbd>{key}</kbd>
          </dt>,
          <dd key={name}>{name}</dd>,
        ])}
        <dt>
          <kbd>←</kbd> <kbd>→</kbd>
        </dt>
        <dd>read a chart value by value, when it has the focus</dd>
        <dt>
          <kbd>Enter</kbd>
        </dt>
        <dd>open the evidence of a row</dd>
        <dt>
          <kbd>?</kbd>
        </dt>
        <dd>this list</dd>
      </dl>
      <form method="dialog" className="actions">
        <button type="submit" className="button">
          Close
        </button>
      </form>
    </Dialog>
  )
}
