/** Where it stands in the list; −1 while it is in none. Only the list writes it. */
export interface Placed {
  place: number
}

/**
 * What comes and goes with every request and is walked now and then, in no order. An array whose last one fills a gap:
 * `Set` is not used there, since each of its rehashes keeps the table before it, and all that passed through, alive into
 * the old generation (see `NumberMap`). Here that was every request with all that hangs on it: 9 KB a request to copy,
 * and a full collection each 150 ms at 7,000 requests a second.
 */
export class KeptList<T extends Placed> {
  readonly #items: (T | undefined)[] = []
  #size = 0

  add(item: T): void {
    if (item.place >= 0) return
    item.place = this.#size
    this.#items[this.#size++] = item
  }

  remove(item: T): void {
    const { place } = item
    if (place < 0) return
    item.place = -1
    const last = this.#items[--this.#size] as T
    this.#items[this.#size] = undefined
    if (last === item) return
    this.#items[place] = last
    last.place = place
  }

  /** From the end, so that `each` may remove the one it is given. */
  forEach(each: (item: T) => void): void {
    for (let place = this.#size - 1; place >= 0; place--) {
      const item = this.#items[place]
      if (item !== undefined) each(item)
    }
  }
}
