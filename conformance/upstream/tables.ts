import type { Fact } from '../report.ts'
import type { Drift } from './checks.ts'

/** Two tables for the terminal: the drift and the facts. */
export const tables = (drifts: readonly Drift[], facts: readonly Fact[]): string => {
  const rows = drifts.map(({ action, member, declared, seen, effect }) => [action, member, declared, seen, effect])
  const drift = rows.length === 0 ? 'No drift.' : table(['action', 'member', 'declared', 'seen', 'effect'], rows)
  const known = facts.map(({ question, seen }) => [question, seen])
  return `\n${drift}\n\n${table(['not documented', 'seen here'], known)}`
}

const table = (head: string[], rows: string[][]): string => {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column]?.length ?? 0)))
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
