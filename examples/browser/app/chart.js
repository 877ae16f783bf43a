// The storage of an account over time, with its forecast.

import { html, svg } from './elements.js'
import { day, forecastText, formatBytes } from './text.js'

const DAY_MS = 86_400_000
const HEIGHT = 160
const MARGIN = { top: 10, right: 8, bottom: 24, left: 68 }

/** The next power of two: labels without fractions. */
const niceTop = bytes => 2 ** Math.ceil(Math.log2(Math.max(2, bytes)))

const pathOf = points => `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join('L')}`

/** Where the storage will be: as far ahead as it was measured, at most to the quota and not below zero. */
const projectionOf = (last, spanMs, { growthBytesPerDay: growth, quotaBytes = Number.POSITIVE_INFINITY }) => {
  if (!growth) return undefined
  const limit = growth > 0 ? quotaBytes : 0
  const daysToLimit = Math.max(0, (limit - last.bytes) / growth)
  const days = Math.min(spanMs / DAY_MS, daysToLimit)
  return { at: last.at + days * DAY_MS, bytes: last.bytes + growth * days }
}

/** The storage of each measurement as a line above an area, and the forecast as a dashed line. @param width in pixels */
export const trendChart = (usage, width) => {
  const points = usage.snapshots
    .filter(({ createdAt, storageBytes }) => createdAt && storageBytes !== undefined)
    .map(({ createdAt, storageBytes }) => ({ at: Date.parse(createdAt), bytes: storageBytes }))
    .sort((one, other) => one.at - other.at)
  if (points.length < 2 || width === 0)
    return html('p', { class: 'dim' }, points.length ? 'Only one measurement so far.' : '')
  const [first, last] = [points[0], points.at(-1)]
  const ahead = projectionOf(last, last.at - first.at, usage)
  const end = ahead ?? last
  const top = niceTop(Math.max(end.bytes, ...points.map(({ bytes }) => bytes)))
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom }
  const x = ({ at }) => MARGIN.left + (inner.width * (at - first.at)) / Math.max(1, end.at - first.at)
  const y = bytes => MARGIN.top + inner.height * (1 - bytes / top)
  const line = points.map(point => [x(point), y(point.bytes)])
  const area = [...line, [x(last), y(0)], [x(first), y(0)]]
  const measured = points.map(({ at, bytes }) => `${formatBytes(bytes)} on ${day.format(at)}`).join(', ')
  const label = `Storage: ${measured}. ${forecastText(usage)}.`
  return svg(
    'svg',
    { width, height: HEIGHT, role: 'img', 'aria-label': label },
    ...[0, 0.5, 1].flatMap(part => [
      svg('line', { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(top * part), y2: y(top * part) }),
      svg('text', { x: MARGIN.left - 12, y: y(top * part) + 4, 'text-anchor': 'end' }, formatBytes(top * part))
    ]),
    svg('path', { class: 'area', d: `${pathOf(area)}Z` }),
    svg('path', { class: 'line', d: pathOf(line) }),
    ...(ahead ? [svg('path', { class: 'ahead', d: pathOf([line.at(-1), [x(ahead), y(ahead.bytes)]]) })] : []),
    ...points.map(point =>
      svg(
        'circle',
        { class: 'dot', cx: x(point), cy: y(point.bytes), r: 4 },
        svg('title', {}, `${formatBytes(point.bytes)}, ${day.format(point.at)}`)
      )
    ),
    svg('text', { x: MARGIN.left, y: HEIGHT - 4 }, day.format(first.at)),
    svg('text', { x: width - MARGIN.right, y: HEIGHT - 4, 'text-anchor': 'end' }, day.format(end.at))
  )
}

const SPARK = { width: 96, height: 32, inset: 4 }

/** The trend of an account in the space of a word: what it was, what it is, and the forecast. Nothing without a forecast. */
export const sparkline = usage => {
  const { basis, growthBytesPerDay: growth, storageBytes: bytes } = usage
  if (!basis || bytes === undefined) return ''
  const at = Date.parse(basis.to)
  const spanMs = at - Date.parse(basis.from)
  const before = { at: at - spanMs, bytes: Math.max(0, bytes - (growth * spanMs) / DAY_MS) }
  const ahead = projectionOf({ at, bytes }, spanMs, usage) ?? { at: at + spanMs, bytes }
  const all = [before, { at, bytes }, ahead].map(point => point.bytes)
  const [low, high] = [Math.min(...all), Math.max(...all)]
  const { width, height, inset } = SPARK
  const point = one => [
    inset + ((width - 2 * inset) * (one.at - before.at)) / (2 * spanMs),
    high === low ? height / 2 : height - inset - ((height - 2 * inset) * (one.bytes - low)) / (high - low)
  ]
  const now = point({ at, bytes })
  return svg(
    'svg',
    { class: 'spark', width, height, role: 'img', 'aria-label': forecastText(usage) },
    svg('path', { class: 'line', d: pathOf([point(before), now]) }),
    svg('path', { class: 'ahead', d: pathOf([now, point(ahead)]) }),
    svg('circle', { class: 'dot', cx: now[0], cy: now[1], r: 3 })
  )
}
