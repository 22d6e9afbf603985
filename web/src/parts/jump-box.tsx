import { type KeyboardEvent, type RefObject, useId, useState } from 'react'
import { useLocation } from 'wouter'
import { changesQuery, modelsQuery } from '../data/queries.ts'
import { useQuery } from '../data/use-query.ts'
import { targetsFor } from './jump.ts'

/** Type a part of a model or change, go there. */
export function JumpBox({ input }: { input: RefObject<HTMLInputElement | null> }) {
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState(0)
  const [, navigate] = useLocation()
  const id = useId()
  const models = useQuery(modelsQuery())
  const changes = useQuery(changesQuery())
  const targets = targetsFor(typed, models.data ?? [], changes.data ?? [])

  const close = () => {
    setTyped('')
    setChosen(0)
    input.current?.blur()
  }
  const go = (path: string | undefined) => {
    if (path === undefined) return
    navigate(path)
    close()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') close()
    else if (event.key === 'Enter') go(targets[chosen]?.path)
    else if (event.key === 'ArrowDown') setChosen(Math.min(chosen + 1, targets.length - 1))
    else if (event.key === 'ArrowUp') setChosen(Math.max(chosen - 1, 0))
    else return
    event.preventDefault()
  }
  return (
    <div className="jump">
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label="Go to a model or change"
        aria-expanded={typed !== ''}
        aria-controls={id}
        aria-activedescendant={targets[chosen] === undefined ? undefined : `${id}-${chosen}`}
        placeholder="Go to…   /"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setTyped('')}
      />
      {typed !== '' && (
        <div id={id} role="listbox" aria-label="Matches">
          {targets.length === 0 && <div className="mute">Nothing is called that.</div>}
          {targets.map((target, index) => (
            <div
              key={target.path}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === chosen}
              tabIndex={-1}
              onMouseDown={(event) => {
                event.preventDefault()
                go(target.path)
              }}
            >
              {target.label}
            </div>
          ))}
        </div>
      )}
    </div>
  )
}
