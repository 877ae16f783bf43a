import t from 'tap'
import { gatewayProcess } from '../../support/harness/processes.ts'

const MAX_START_MS = 2000
/** Other programs may load the machine: the best of a few starts counts. */
const ATTEMPTS = 6

t.test(`the gateway serves ${MAX_START_MS} ms after its start`, async t => {
  const times: number[] = []
  while (times.length < ATTEMPTS && !times.some(ms => ms < MAX_START_MS)) {
    const startedAt = performance.now()
    await gatewayProcess(t, {})
    times.push(Math.round(performance.now() - startedAt))
  }
  t.ok(Math.min(...times) < MAX_START_MS, `${times.join(', ')} ms`)
})
