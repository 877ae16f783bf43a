import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { startSandbox } from '../../src/sandbox/index.ts'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { openLoad } from '../support/harness/open-load.ts'
import { gatewayProcess } from '../support/harness/processes.ts'

const figure = figuresOf(t, 'retry-amplification')
const SECONDS = Number(process.env['AMP_SECONDS'] ?? amount(3, 12, 60))
const RPS = amount(100, 300)
const MAX_CALLS = 1.2
/** Every tenth request deletes a file. */
const WRITE_EVERY = 10

t.test('HOSTKEY answers every call with 503', async t => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  const { control, demo } = sandbox
  const gateway = await gatewayProcess(t, { UPSTREAM_URL: sandbox.url, RATE_LIMIT_MAX: '1000000' })
  const headers = { authorization: `Bearer ${demo.token}` }
  control.fault({ kind: 'html-503' })
  let asked = 0
  let writes = 0
  const load = openLoad(RPS, () => {
    asked += 1
    const path = `/accounts/s3_user_1/buckets/logs/files?path=file-${asked}`
    if (asked % WRITE_EVERY > 0) return { url: `${gateway.url}/accounts?limit=${(asked % 1000) + 1}`, headers }
    writes += 1
    return { url: gateway.url + path, method: 'DELETE' as const, headers }
  })
  await pause(SECONDS * 1000)
  await load.end()

  const hits = Object.values(control.counters()).reduce((sum, count) => sum + count, 0)
  const deletions = Map.groupBy(
    control.calls().filter(({ action }) => action === 'delete_file'),
    ({ fields }) => String(fields['filename'])
  )
  const most = Math.max(0, ...[...deletions.values()].map(calls => calls.length))
  const ratio = hits / load.samples.length
  figure(
    `${load.samples.length} requests in ${SECONDS} s: ${hits} calls upstream, ${ratio.toFixed(3)} for each; ` +
      `${deletions.size} of ${writes} writes were sent, each ${most} time`
  )
  t.ok(load.samples.length >= RPS * SECONDS * 0.9)
  t.ok(ratio <= MAX_CALLS, `${ratio}`)
  t.equal(most, 1, 'no write is sent twice')
  t.strictSame(new Set(load.samples.map(({ status }) => status)), new Set([502, 503]))

  control.clearFaults()
  // The circuit stays open for at most half a minute.
  for (let tries = 0; tries < 40; tries += 1) {
    const reply = await fetch(`${gateway.url}/accounts`, { headers })
    if (reply.status === 200) break
    await pause(1000)
  }
  t.equal((await fetch(`${gateway.url}/accounts`, { headers })).status, 200, 'and it comes back by itself')
})
