import type { Result } from './report.ts'

const WIDTH = 760
const LEFT = 190
const BAR = 13
const GAP = 26
/** Longer bars are cut off, and say their figure. */
const MAX_RATIO = 12

const colourOf = (name: string) =>
  name.startsWith('gateway') ? '#c2410c' : name === 'raw-pass' ? '#334155' : '#94a3b8'

/** The ratios of all workloads as bars. */
export const chartOf = (results: readonly Result[]): string => {
  const scale = (WIDTH - LEFT - 60) / MAX_RATIO
  const parts: string[] = []
  let y = 24
  for (const { workload, rows } of results) {
    parts.push(text(8, y, `${workload.id}: ${workload.title}`, 'font-weight="bold"'))
    y += 8
    for (const { name, title, ratio } of rows) {
      const width = Math.max(1, Math.min(ratio, MAX_RATIO) * scale)
      parts.push(
        text(LEFT - 8, y + 10, title, 'text-anchor="end"'),
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${colourOf(name)}"/>`,
        text(LEFT + width + 6, y + 10, ratio.toFixed(2), '')
      )
      y += BAR + 2
    }
    y += GAP
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    ''
  ].join('\n')
}

const text = (x: number, y: number, content: string, attributes: string) =>
  `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${content.replaceAll('&', '&amp;')}</text>`
