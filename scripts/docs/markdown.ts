/** A generated page; its first line names the source. */
export const page = (title: string, source: string, ...blocks: string[]): string =>
  `${[`<!-- Generated from ${source} by \`npm run generate\`; do not edit. -->`, `# ${title}`, ...blocks].join('\n\n')}\n`

/** A table. Bars in a cell are escaped. */
export const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows.map(row => row.map(cell))].map(row => `| ${row.join(' | ')} |`).join('\n')

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

export const code = (text: string): string => `\`${text}\``
