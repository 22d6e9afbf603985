/**
 * One at a time, in order of asking. Wishes and what is made of them are rows that several hands of this process
 * write; whoever reads to decide must not be overtaken before it has written.
 */
export interface Serial {
  run<T>(work: () => Promise<T>): Promise<T>
}

export function createSerial(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run(work) {
      const result = last.then(work, work)
      last = result.catch(() => undefined)
      return result
    },
  }
}
