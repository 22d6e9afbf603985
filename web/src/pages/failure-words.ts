/** A kept input as people read it: the text where a row is one text, else the JSON that was sent. */
export function inputWords(input: string): string {
  try {
    const row: unknown = [JSON.parse(input)].flat()[0]
    const values = row !== null && typeof row === 'object' ? Object.values(row) : []
    if (values.length === 1 && typeof values[0] === 'string') return values[0].replace(/\s+/g, ' ').trim()
  } catch {
    // Cut at its limit, so it may not parse; what is there is shown.
  }
  return input
}
