import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { recordFigures } from '../../scripts/figures.ts'
import { readCommandLine } from '../../src/core/command-line.ts'
import { openLoad } from '../support/harness/open-load.ts'
import { gatewayProcess, sandboxProcess } from '../support/harness/processes.ts'

const { values } = readCommandLine({
  usage: `npm run soak -- [--minutes 30] [--record]

Soak: does memory grow, do files stay open, does anything go unhandled?

  --record  records the figures for docs/reference/guarantees.md
`,
  options: { minutes: { type: 'string', default: '30' }, record: { type: 'boolean', default: false } }
})

const RPS = 300
const FAULT_EVERY = 20
/** Caches fill and code is compiled until then. */
const WARM_UP_MINUTES = Math.min(5, Number(values.minutes) / 3)
const MAX_MIB_A_MINUTE = 1
/** Counted after the load: each open connection is a file. */
const MAX_MORE_FILES = 5
/** Longer than the sandbox keeps an idle connection (75 s). */
const CALM_MS = 85_000

const ends: (() => Promise<void>)[] = []
const stage = { after: (end: () => Promise<void>) => ends.push(end) }
const sandbox = await sandboxProcess(stage)
const token = /token +([0-9a-f]{32})/.exec(sandbox.printed.out)?.[1]
const gateway = await gatewayProcess(stage, {
  UPSTREAM_URL: sandbox.url,
  RATE_LIMIT_MAX: '1000000',
  LOG_LEVEL: 'fatal'
})
const headers = { authorization: `Bearer ${token}` }
const paths = ['/accounts', '/accounts/s3_user_1/buckets', '/accounts/s3_user_1/buckets/logs/files', '/plans', '/livez']
const openFiles = () => readdirSync(`/proc/${gateway.child.pid}/fd`).length
const filesBefore = openFiles()
let asked = 0
const load = openLoad(RPS, () => ({ url: `${gateway.url}${paths[asked++ % paths.length]}`, headers }))

const kinds = ['html-502', 'reset-before', 'truncated', 'latency', 'refusal']
const misbehave = setInterval(
  () => {
    const fault = { kind: kinds[asked % kinds.length], ms: 200, text: 'no', count: 1 }
    fetch(`${sandbox.url}control/faults`, { method: 'POST', body: JSON.stringify(fault) }).catch(() => undefined)
  },
  (1000 / RPS) * FAULT_EVERY
)

const points: { minute: number; mib: number }[] = []
const startedAt = performance.now()
const minutes = () => (performance.now() - startedAt) / 60_000
await pause(WARM_UP_MINUTES * 60_000)
const counts = { requests: 0, unanswered: 0 }
while (minutes() < Number(values.minutes)) {
  points.push({ minute: minutes(), mib: gateway.residentBytes() / 2 ** 20 })
  // Remove the samples: the driver must not grow either.
  const samples = load.samples.splice(0)
  counts.requests += samples.length
  counts.unanswered += samples.filter(({ status }) => status === 0).length
  await pause(5000)
}
clearInterval(misbehave)
await load.end()
await pause(CALM_MS)
const isAlive = gateway.child.exitCode === null && gateway.child.signalCode === null
const moreFiles = isAlive ? openFiles() - filesBefore : Number.NaN
for (const end of ends) await end()

/** Least squares: MiB a minute. */
const slope = () => {
  const mean = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean(({ minute }) => minute), mean(({ mib }) => mib)]
  const above = points.reduce((sum, { minute, mib }) => sum + (minute - x) * (mib - y), 0)
  return above / points.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0)
}
const grown = slope()
const figure =
  `${counts.requests} requests in ${values.minutes} min, one of ${FAULT_EVERY} calls at fault: ${grown.toFixed(2)} MiB/min more, ` +
  `${moreFiles} more files open, ${counts.unanswered} unanswered, ${isAlive ? '0 unhandled rejections' : 'it ended'}`
process.stdout.write(`soak: ${figure}\n`)
// An unhandled rejection ends the process.
const isWell = isAlive && grown < MAX_MIB_A_MINUTE && moreFiles <= MAX_MORE_FILES && counts.unanswered === 0
if (!isWell) process.exitCode = 1
else if (values.record) recordFigures({ soak: [figure] })
