let line = ''
let madeForSecond = 0

/** `date: …` (RFC 9110, 6.6.1), made anew once a second. */
export function dateLine(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== madeForSecond) {
    madeForSecond = second
    line = `date: ${new Date(second * 1000).toUTCString()}\r\n`
  }
  return line
}
