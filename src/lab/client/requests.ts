import type { DatasetItem } from '../../contracts/index.ts'

/** Body of a predict request that is pinned to one version; `rows` of the model's contract. */
export function pinnedBody(version: string, rows: readonly DatasetItem['inputs'][]): Buffer {
  return Buffer.from(JSON.stringify({ inputs: rows, params: { version } }))
}

/** Bodies of single items for one version, each encoded once. */
export function itemBodies(version: string, items: readonly DatasetItem[]): (index: number) => Buffer {
  const encoded: (Buffer | undefined)[] = new Array(items.length)
  return (index) => {
    const slot = index % items.length
    encoded[slot] ??= pinnedBody(version, [items[slot]!.inputs])
    return encoded[slot]
  }
}
