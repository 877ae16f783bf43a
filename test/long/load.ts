import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { recordFigures } from '../../scripts/figures.ts'
import { readCommandLine } from '../../src/core/command-line.ts'
import { percentile, timesOf } from '../support/harness/latency.ts'
import { openLoad } from '../support/harness/open-load.ts'
import { gatewayProcess, sandboxProcess } from '../support/harness/processes.ts'

const { values } = readCommandLine({
  usage: `npm run load -- [--seconds 60] [--record]

Load, for a machine that does nothing else.

  --record  records the figures for docs/reference/guarantees.md
`,
  options: { seconds: { type: 'string', default: '60' }, record: { type: 'boolean', default: false } }
})

const UPSTREAM_MS = 15
const SHARE = 0.7
const MAX_P99_MS = 2 * UPSTREAM_MS + 20
/** Fewer than the upstream bulkhead allows: no request is shed. */
const CALLERS = 32

const ends: (() => Promise<void>)[] = []
const stage = { after: (end: () => Promise<void>) => ends.push(end) }
const sandbox = await sandboxProcess(stage)
const token = /token +([0-9a-f]{32})/.exec(sandbox.printed.out)?.[1]
const latency = { kind: 'latency', ms: UPSTREAM_MS }
await fetch(`${sandbox.url}control/faults`, { method: 'POST', body: JSON.stringify(latency) })
const gateway = await gatewayProcess(stage, { UPSTREAM_URL: sandbox.url, RATE_LIMIT_MAX: '1000000' })
const headers = { authorization: `Bearer ${token}` }
let asked = 0
const next = () => ({ url: `${gateway.url}/accounts?limit=${(asked++ % 1000) + 1}`, headers })

/** Requests a second, when each caller sends one after the other as fast as it goes. */
const capacityOver = async (requests: number) => {
  const startedAt = performance.now()
  const send = async () => (await request(next().url, { headers })).body.dump()
  await timesOf(send, { requests, callers: CALLERS })
  return requests / ((performance.now() - startedAt) / 1000)
}

await capacityOver(3000)
const capacity = await capacityOver(10_000)
const rps = Math.floor(capacity * SHARE)
const load = openLoad(rps, next)
await pause(Number(values.seconds) * 1000)
await load.end()
for (const end of ends) await end()

const times = load.samples.map(({ ms }) => ms).sort((a, b) => a - b)
const p99Ms = percentile(times, 99)
const errors = load.samples.filter(({ status }) => status !== 200).length
const figure =
  `${load.samples.length} requests at ${rps}/s, 70 % of ${Math.round(capacity)}/s, over an upstream of ${UPSTREAM_MS} ms: ` +
  `${errors} errors, p99 ${p99Ms.toFixed(0)} ms`
process.stdout.write(`load: ${figure}\n`)
if (errors > 0 || p99Ms > MAX_P99_MS) process.exitCode = 1
else if (values.record) recordFigures({ load: [figure] })
