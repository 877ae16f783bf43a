/** A page that nobody edits: what it is made from stands in its first line. */
export const page = (title: string, source: string, ...blocks: string[]): string =>
  `${[`<!-- Made from ${source} by \`npm run docs\`; do not edit. -->`, `# ${title}`, ...blocks].join('\n\n')}\n`

/** A table; a bar inside a cell is escaped. */
export const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows.map(row => row.map(cell))].map(row => `| ${row.join(' | ')} |`).join('\n')

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

export const code = (text: string): string => `\`${text}\``
