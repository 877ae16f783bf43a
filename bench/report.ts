import type { Summary } from './measure.ts'
import type { MemoryResult } from './memory.ts'
import { OPEN_CONNECTIONS, OPEN_GOALS, OPEN_UPSTREAM_MS, type OpenResult } from './open-loop.ts'
import { START_GOAL_MS, type StartResult } from './start.ts'
import { GOALS, type Workload } from './workloads.ts'

/** The figures of one workload, in the order of the table. */
export interface Result {
  workload: Workload
  rows: { name: string; title: string; summary: Summary; ratio: number }[]
}

/** What is measured beside the workloads. */
export interface More {
  /** Of the gateway, after everything before. */
  residentMb: number
  memory?: MemoryResult
  open?: OpenResult
  starts?: readonly StartResult[]
}

const percent = (share: number) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`

/** Three digits that mean something. */
const digits = (value: number) => (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0))

const HEADINGS = [
  'server',
  'CPU per request',
  '× raw-pass',
  'spread',
  'requests/s',
  'of its core',
  'p50',
  'p99',
  'refused',
  'memory'
]

/** One workload as a table. */
export const tableOf = ({ workload, rows }: Result): string => {
  const goal = GOALS[workload.id]
  const cells = rows.map(({ name, title, summary, ratio }) => [
    name === 'gateway' ? `**${title}**` : title,
    `${digits(summary.cpuUs)} µs`,
    name === 'gateway' ? `**${digits(ratio)}**` : digits(ratio),
    `± ${percent(summary.spread)}`,
    summary.perSecond.toFixed(0),
    percent(summary.coreShare),
    `${digits(summary.p50Ms)} ms`,
    `${digits(summary.p99Ms)} ms`,
    percent(summary.refusedShare),
    `${summary.residentMb.toFixed(0)} MB`
  ])
  const others = Math.max(...rows.map(({ summary }) => summary.otherShare))
  return [
    `### ${workload.id}: ${workload.title}`,
    '',
    ...markdownTable([HEADINGS, ...cells]),
    '',
    `Goal of the gateway: ${goal} × raw-pass or less. Other programs used up to ${percent(others)} of the machine.`,
    ''
  ].join('\n')
}

const markdownTable = ([headings = [], ...rows]: readonly (readonly string[])[]): string[] =>
  [headings, headings.map((_, column) => (column === 0 ? '---' : '--:')), ...rows].map(
    cells => `| ${cells.join(' | ')} |`
  )

/** Goal of the gateway: resident memory under load, MB of 1,048,576 bytes. */
export const MEMORY_GOAL_MB = 160

/** Latency, start and memory. */
export const moreOf = ({ residentMb, memory, open, starts = [] }: More): string =>
  [
    ...(open ? openLines(open) : []),
    ...(starts.length > 0 ? startLines(starts) : []),
    '### Memory',
    '',
    memory
      ? `${memory.firstMb.toFixed(0)} MB resident after 100,000 requests of each kind, ${memory.lastMb.toFixed(0)} MB after 1,000,000 more.`
      : `${residentMb.toFixed(0)} MB resident after all of the above.`,
    `Goal: ${MEMORY_GOAL_MB} MB or less.`,
    ''
  ].join('\n')

const openLines = ({ rate, base, gateway }: OpenResult): string[] => [
  '### Added latency',
  '',
  ...markdownTable([
    ['', 'p50', 'p99', 'failed'],
    ...(
      [
        ['raw-pass', base],
        ['the gateway', gateway]
      ] as const
    ).map(([name, { p50Ms, p99Ms, failed }]) => [name, `${digits(p50Ms)} ms`, `${digits(p99Ms)} ms`, String(failed)]),
    ['**added**', `**${digits(gateway.p50Ms - base.p50Ms)} ms**`, `**${digits(gateway.p99Ms - base.p99Ms)} ms**`, '']
  ]),
  '',
  `${rate} requests a second by a fixed schedule (60 % of the gateway's capacity), ${OPEN_CONNECTIONS} connections, ` +
    `upstream ${OPEN_UPSTREAM_MS} ms; times count from the instant at which a request was due. ` +
    `Goal: ${OPEN_GOALS.p50Ms} ms and ${OPEN_GOALS.p99Ms} ms or less.`,
  ''
]

const startLines = (starts: readonly StartResult[]): string[] => [
  '### Start',
  '',
  ...markdownTable([
    ['', 'median', 'best'],
    ...starts.map(({ title, medianMs, bestMs }) => [title, `${medianMs.toFixed(0)} ms`, `${bestMs.toFixed(0)} ms`])
  ]),
  '',
  `From the start of the process until \`/readyz\` answers 200, on one core. Goal: ${START_GOAL_MS} ms or less.`,
  ''
]

/** docs/reference/performance.md. */
export const pageOf = (
  results: readonly Result[],
  more: More,
  { on, machine }: { on: string; machine: string }
): string => `# Performance

What a request costs, beside other servers that do the same. Written by \`npm run bench\` on ${on}: ${machine}.
\`bench/README.md\` says how it is measured and how to read it.

![CPU per request as a multiple of raw-pass, by workload and server](performance.svg)

The unit is **CPU per request**, user and system time, as a multiple of \`raw-pass\` in the same run: node:http and
undici's Pool, which passes bytes through without a check or a translation. The gateway runs with everything on:
authentication, validation both ways, limits, log, audit, metrics, security headers, ETag. Requests per second are those
of one core; they mean little where a server did not use all of it.

${results.map(tableOf).join('\n')}
${moreOf(more)}`
