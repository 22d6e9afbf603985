/**
 * Blocks of a message come one after the other, and calls of tools may come interleaved. The one whose arguments are
 * still no whole JSON keeps the floor; what comes for the others waits until it is whole, or until the answer is over.
 * What waits is part of one answer, and bounded with it.
 */
export class CallOrder {
  readonly #calls = new Map<number, Call>()
  #floor: number | undefined
  readonly #out: CallOut

  constructor(out: CallOut) {
    this.#out = out
  }

  started(call: number, id: string, name: string): void {
    this.#calls.set(call, { id, name, text: '', said: 0 })
    this.#pass(false)
  }

  arguments(call: number, text: string): void {
    const one = this.#calls.get(call)
    if (one === undefined) return
    one.text += text
    if (call === this.#floor) this.#say(one)
    this.#pass(false)
  }

  /** The arguments of some call are not whole yet. */
  get isBusy(): boolean {
    for (const { text } of this.#calls.values()) if (!isWhole(text)) return true
    return false
  }

  /** Something else comes now, or nothing more: whatever is left is said. */
  flush(): void {
    this.#pass(true)
    this.#calls.clear()
    this.#floor = undefined
  }

  #pass(isLast: boolean): void {
    for (;;) {
      const holder = this.#floor === undefined ? undefined : this.#calls.get(this.#floor)
      if (holder !== undefined) {
        const someoneWaits = this.#calls.size > 1
        if (!isLast && !(someoneWaits && isWhole(holder.text))) return
        this.#out.ended()
        this.#calls.delete(this.#floor as number)
        this.#floor = undefined
      }
      const next = this.#calls.entries().next()
      if (next.done === true) return
      const [index, call] = next.value
      this.#floor = index
      this.#out.began(call.id, call.name)
      this.#say(call)
    }
  }

  #say(call: Call): void {
    if (call.said === call.text.length) return
    this.#out.said(call.text.slice(call.said))
    call.said = call.text.length
  }
}

export interface CallOut {
  began(id: string, name: string): void
  said(text: string): void
  ended(): void
}

interface Call {
  readonly id: string
  readonly name: string
  text: string
  said: number
}

function isWhole(text: string): boolean {
  if (!/[}\]"el\d]\s*$/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
