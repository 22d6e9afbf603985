/** Runs `work` over all of `items`, at most `concurrency` at a time; the first rejection stops new starts and rejects. */
export async function eachBounded<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  let isFailed = false
  const worker = async () => {
    while (next < items.length && !isFailed) {
      const index = next++
      try {
        await work(items[index]!, index)
      } catch (error) {
        isFailed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
}
