/**
 * A panel's drawings as one picture: title, legend and every drawing of the panel under each other, in the colours that
 * the page has now, with the address and time at its foot, so that a picture in a message still says where it is from.
 */
export interface Picture {
  readonly svg: string
  readonly width: number
  readonly height: number
}

const EDGE = 20
const TITLE_PX = 15
const TEXT_PX = 12.5
const LINE_PX = 18
/** Room for the texts beside a drawing that stands in a table row. */
const NAME_PX = 96
const SAYS_PX = 250
/** Of pixels to CSS pixels, so that it is sharp in slides and on dense screens. */
const SCALE = 2

export function pictureOf(panel: Element, foot: string): Picture {
  const style = getComputedStyle(panel)
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const drawings = [...panel.querySelectorAll<SVGSVGElement>('svg[role="img"]')].filter(
    (svg) => svg.closest('.chart, .panel') === panel && svg.checkVisibility(),
  )
  const inRows = drawings.some((svg) => svg.closest('tr') !== null)
  const widest = Math.max(320, ...drawings.map((svg) => svg.getBoundingClientRect().width))
  const width = Math.ceil(widest + 2 * EDGE + (inRows ? NAME_PX + SAYS_PX : 0))
  const parts: string[] = []
  let y = EDGE
  const write = (text: string, options: TextOptions) => {
    for (const line of wrapped(text, width - 2 * EDGE, options.px)) {
      y += LINE_PX
      parts.push(textElement(line, { x: EDGE, y: y - 4, ...options, family: style.fontFamily }))
    }
  }
  write(textOf(panel, 'h2, h3'), { px: TITLE_PX, fill: colour('ink'), weight: 650 })
  write(textOf(panel, '.sub'), { px: TEXT_PX, fill: colour('mute') })
  const legend = legendOf(panel, EDGE, y + 6, colour('mute'), style.fontFamily)
  parts.push(...legend)
  y += legend.length === 0 ? 10 : LINE_PX + 14
  for (const svg of drawings) {
    const box = svg.getBoundingClientRect()
    const row = svg.closest('tr')
    const at = { x: EDGE + (inRows ? NAME_PX : 0), y }
    if (row !== null) {
      const middle = y + box.height / 2 + 4
      const said = { px: TEXT_PX, fill: colour('ink'), family: style.fontFamily, y: middle }
      parts.push(textElement(textOf(row, 'th'), { ...said, x: EDGE, weight: 650 }))
      const says = [...row.querySelectorAll('.estimate, .verdict')].map((cell) => words(cell)).join(' · ')
      parts.push(textElement(says, { ...said, x: at.x + box.width + 16 }))
    }
    parts.push(drawingElement(svg, at, box))
    y += Math.ceil(box.height) + 10
  }
  write(foot, { px: 11, fill: colour('mute') })
  const height = Math.ceil(y + EDGE - 4)
  const ground = `<rect width="${width}" height="${height}" fill="${colour('panel')}"/>`
  return {
    width,
    height,
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${ground}${parts.join('')}</svg>`,
  }
}

/** Through an image and a canvas; the picture refers to nothing outside itself. */
export async function pngOf({ svg, width, height }: Picture): Promise<Blob> {
  const image = new Image(width * SCALE, height * SCALE)
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = width * SCALE
  canvas.height = height * SCALE
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return await new Promise((resolve, reject) =>
    canvas.toBlob(
      (png) => (png === null ? reject(new Error('the picture is too large')) : resolve(png)),
      'image/png',
    ),
  )
}

/** What the style sheets say of a drawing; as a picture it stands without them. */
const STYLED = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'opacity',
  'paint-order',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
  'visibility',
] as const

function drawingElement(svg: SVGSVGElement, at: { x: number; y: number }, box: DOMRect): string {
  const copy = svg.cloneNode(true) as SVGSVGElement
  const originals = [svg, ...svg.querySelectorAll('*')]
  for (const [index, element] of [copy, ...copy.querySelectorAll('*')].entries()) {
    const style = getComputedStyle(originals[index]!)
    const inline = STYLED.map((name) => `${name}:${style.getPropertyValue(name)}`).join(';')
    element.removeAttribute('class')
    element.removeAttribute('id')
    element.setAttribute('style', inline)
  }
  for (const extra of copy.querySelectorAll('title, desc')) extra.remove()
  for (const [name, value] of Object.entries({ ...at, width: box.width, height: box.height }))
    copy.setAttribute(name, String(value))
  copy.setAttribute('overflow', 'visible')
  return new XMLSerializer().serializeToString(copy)
}

function legendOf(panel: Element, x: number, y: number, fill: string, family: string): string[] {
  let at = x
  return [...panel.querySelectorAll('.legend li')]
    .filter((item) => item.closest('.chart, .panel') === panel)
    .flatMap((item) => {
      const sample = item.querySelector('svg')
      if (sample === null) return []
      const box = sample.getBoundingClientRect()
      const label = words(item)
      const start = at
      at += box.width + 6 + widthOf(label, TEXT_PX) + 18
      return [
        drawingElement(sample, { x: start, y: y + (LINE_PX - box.height) / 2 }, box),
        textElement(label, { x: start + box.width + 6, y: y + 13, px: TEXT_PX, fill, family }),
      ]
    })
}

interface TextOptions {
  readonly px: number
  readonly fill: string
  readonly weight?: number
}

function textElement(
  text: string,
  { x, y, px, fill, weight = 400, family }: TextOptions & { x: number; y: number; family: string },
): string {
  const element = document.createElementNS('http://www.w3.org/2000/svg', 'text')
  for (const [name, value] of Object.entries({ x, y, fill, 'font-size': px, 'font-weight': weight }))
    element.setAttribute(name, String(value))
  element.setAttribute('font-family', family)
  element.textContent = text
  return new XMLSerializer().serializeToString(element)
}

function wrapped(text: string, width: number, px: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ').filter((one) => one !== '')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`
    if (lines.length > 0 && widthOf(longer, px) <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

function widthOf(text: string, px: number): number {
  const pen = document.createElement('canvas').getContext('2d')
  if (pen === null) return text.length * px * 0.6
  pen.font = `${px}px ${getComputedStyle(document.body).fontFamily}`
  return pen.measureText(text).width
}

function textOf(within: Element, selector: string): string {
  const found = within.querySelector(selector)
  return found === null ? '' : words(found)
}

function words(element: Element): string {
  return (element.textContent ?? '').replace(/\s+/g, ' ').trim()
}
