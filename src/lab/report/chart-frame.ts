import { escaped } from './html-page.ts'

export interface Axis {
  readonly label: string
  readonly least: number
  readonly most: number
  readonly isLog?: boolean
}

/** Room inside the frame of a picture, in its own units. */
const WIDTH = 640
const HEIGHT = 280
const LEFT = 60
const TOP = 12
const RIGHT = 12
const BOTTOM = 40

/** A plane with two axes: places values on it and draws what was placed. Colours are those of the page. */
export function chartFrame(title: string, x: Axis, y: Axis) {
  const marks: string[] = []
  const placeX = (value: number) => LEFT + share(x, value) * (WIDTH - LEFT - RIGHT)
  const placeY = (value: number) => HEIGHT - BOTTOM - share(y, value) * (HEIGHT - TOP - BOTTOM)
  const point = ([left, up]: readonly [number, number]) => `${at(placeX(left))},${at(placeY(up))}`
  return {
    line(points: readonly (readonly [number, number])[], colour: string) {
      if (points.length > 0)
        marks.push(
          `<polyline points="${points.map(point).join(' ')}" fill="none" stroke="${colour}" stroke-width="1.6"/>`,
        )
    },
    area(points: readonly (readonly [number, number])[], colour: string) {
      if (points.length > 0)
        marks.push(`<polygon points="${points.map(point).join(' ')}" fill="${colour}" opacity=".18"/>`)
    },
    dots(points: readonly (readonly [number, number])[], colour: string, size = 2.5) {
      for (const [left, up] of points)
        marks.push(`<circle cx="${at(placeX(left))}" cy="${at(placeY(up))}" r="${size}" fill="${colour}"/>`)
    },
    note(left: number, up: number, text: string) {
      marks.push(`<text x="${at(placeX(left) + 5)}" y="${at(placeY(up) - 5)}">${escaped(text)}</text>`)
    },
    svg(): string {
      const xTicks = ticks(x).map(
        (value) =>
          `<text x="${at(placeX(value))}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle">${short(value)}</text>`,
      )
      const yTicks = ticks(y).map(
        (value) =>
          `<text x="${LEFT - 6}" y="${at(placeY(value) + 4)}" text-anchor="end">${short(value)}</text><line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(placeY(value))}" y2="${at(placeY(value))}" stroke="var(--soft)" opacity=".2"/>`,
      )
      return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}"><title>${escaped(title)}</title>${yTicks.join('')}${xTicks.join('')}<text x="${(WIDTH + LEFT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escaped(x.label)}</text><text x="14" y="${HEIGHT / 2}" transform="rotate(-90 14 ${HEIGHT / 2})" text-anchor="middle">${escaped(y.label)}</text>${marks.join('')}</svg>`
    },
  }
}

function share({ least, most, isLog }: Axis, value: number): number {
  const scaled = (number: number) => (isLog ? Math.log(Math.max(number, 1e-9)) : number)
  const span = scaled(most) - scaled(least)
  return span === 0 ? 0.5 : Math.min(1, Math.max(0, (scaled(value) - scaled(least)) / span))
}

function ticks({ least, most, isLog }: Axis): number[] {
  return Array.from({ length: 5 }, (_, index) =>
    isLog ? least * (most / least) ** (index / 4) : least + ((most - least) * index) / 4,
  )
}

function at(value: number): string {
  return value.toFixed(1)
}

export function short(value: number): string {
  const size = Math.abs(value)
  return size >= 100
    ? value.toFixed(0)
    : size >= 10
      ? value.toFixed(1)
      : Number(value.toPrecision(2)).toString()
}
