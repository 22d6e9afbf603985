// Runs inside the pages under test, before anything of theirs.
globalThis.inspection = {
  faults,
  weakTexts,
  wideParts,
  outlineOfFocus,
  watchShifts,
  shifts: [],
  copiedPicture,
}

/** What a page does wrong for people who do not see or do not point; one line each, empty when well. */
function faults() {
  const found = []
  for (const element of document.querySelectorAll(
    'button, a[href], input, select, progress, dialog, [role=slider], [role=img]',
  ))
    if (nameOf(element) === '') found.push(`no name: ${element.outerHTML.slice(0, 120)}`)
  for (const svg of document.querySelectorAll('svg'))
    if (!svg.hasAttribute('role') && svg.closest('[aria-hidden=true]') === null)
      found.push(`a drawing without role: ${svg.outerHTML.slice(0, 120)}`)
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  for (const id of ids) if (ids.filter((one) => one === id).length > 1) found.push(`id ${id} is there twice`)
  for (const landmark of ['main', 'nav', 'h1'])
    if (document.querySelectorAll(landmark).length !== 1) found.push(`not one ${landmark}`)
  let level = 1
  for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = Number(heading.tagName.slice(1))
    if (own > level + 1) found.push(`heading “${heading.textContent}” skips a level`)
    level = own
  }
  for (const head of document.querySelectorAll('thead th'))
    if (head.getAttribute('scope') !== 'col') found.push(`a column head without scope: ${head.textContent}`)
  return found
}

function nameOf(element) {
  const ids = element.getAttribute('aria-labelledby')?.split(/\s+/) ?? []
  const labelled = ids.map((id) => document.getElementById(id)?.textContent ?? '').join(' ')
  const labels = [...(element.labels ?? [])].map((one) => one.textContent).join(' ')
  const title = element.querySelector(':scope > title')?.textContent ?? ''
  return (
    labelled ||
    element.getAttribute('aria-label') ||
    labels ||
    title ||
    element.textContent ||
    ''
  ).trim()
}

/** Texts with less than 4.5 : 1 against the ground that they stand on (WCAG 2.2, 1.4.3), as the browser draws them. */
function weakTexts() {
  const weak = new Set()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement
    const text = node.textContent.trim()
    if (text === '' || !element.checkVisibility()) continue
    if (element.closest('.unseen, title, desc, style, noscript, :disabled') !== null) continue
    const style = getComputedStyle(element)
    const ink = rgba(element instanceof SVGElement ? style.fill : style.color)
    const contrast = contrastOf(luminance(ink), luminance(groundOf(element)))
    if (contrast < 4.5)
      weak.add(`${contrast.toFixed(2)}: “${text.slice(0, 40)}” in ${element.outerHTML.slice(0, 60)}`)
  }
  return [...weak]
}

function contrastOf(one, other) {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
}

function groundOf(element) {
  for (let at = element; at !== null; at = at.parentElement) {
    const ground = rgba(getComputedStyle(at).backgroundColor)
    if (ground[3] > 250) return ground
  }
  return [255, 255, 255]
}

/** Any CSS colour as the browser understands it. */
function rgba(color) {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 1
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  pen.fillStyle = color
  pen.fillRect(0, 0, 1, 1)
  return [...pen.getImageData(0, 0, 1, 1).data]
}

function luminance(color) {
  const [red, green, blue] = color.slice(0, 3).map((channel) => {
    const value = channel / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** What reaches past the right edge of the window, unless it scrolls or is cut inside a part of its own. */
function wideParts() {
  const edge = document.documentElement.clientWidth
  return [...document.querySelectorAll('body *')]
    .filter((element) => element.getBoundingClientRect().right > edge + 1 && !isCut(element))
    .map((element) => element.outerHTML.slice(0, 100))
}

function isCut(element) {
  for (let at = element.parentElement; at !== null && at !== document.body; at = at.parentElement)
    if (getComputedStyle(at).overflowX !== 'visible' && !(at instanceof SVGElement)) return true
  return element.closest('.unseen, .skip') !== null
}

function outlineOfFocus() {
  const style = getComputedStyle(document.activeElement)
  return `${style.outlineStyle} ${style.outlineWidth}`
}

/** Collects what moves without anybody having touched the page. */
function watchShifts() {
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.inspection.shifts.push(entry.value)
  }).observe({ type: 'layout-shift', buffered: false })
}

/** The picture in the clipboard: its width, the colour of its corner, how many colours, and how much is blue. */
async function copiedPicture() {
  const [item] = await navigator.clipboard.read()
  const bitmap = await createImageBitmap(await item.getType('image/png'))
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  pen.drawImage(bitmap, 0, 0)
  const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height)
  const seen = new Set()
  let blue = 0
  for (let at = 0; at < data.length; at += 4) {
    seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2])
    if (data[at + 2] > data[at] + 80 && data[at + 2] > 180) blue++
  }
  return { width: bitmap.width, corner: [...data.slice(0, 4)], colours: seen.size, blue }
}
