const LINE_ENDS = /\r\n|\r|\n/

/** One event with the blank line that ends it. `data` is JSON in all dialects here, and then one line. */
export function sseEvent(data: string, event?: string): string {
  const head = event === undefined ? '' : `event: ${event}\n`
  if (!data.includes('\n') && !data.includes('\r')) return `${head}data: ${data}\n\n`
  return `${head}${data
    .split(LINE_ENDS)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`
}

/** A comment with its blank line, which some clients need to see it as done; to be written between events only. */
export function sseComment(text: string): string {
  return `: ${text.split(LINE_ENDS).join(' ')}\n\n`
}
