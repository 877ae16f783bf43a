import t from 'tap'
import { figuresOf } from '../support/harness/figures.ts'
import { gatewayProcess } from '../support/harness/processes.ts'

const figure = figuresOf(t, 'start-time')
/** The goal. */
const MAX_MS = 600
/** The first start makes the bundle and its compiled code; other programs may load the machine. */
const MAX_STARTS = 12

t.test('the gateway is ready soon after its start', async t => {
  const times: number[] = []
  while (times.length < 3 || (Math.min(...times) > MAX_MS && times.length < MAX_STARTS)) {
    const startedAt = performance.now()
    const { managementUrl, child, ended } = await gatewayProcess(t, {}, { asOperator: true })
    t.equal((await fetch(`${managementUrl}/readyz`)).status, 200)
    times.push(Math.round(performance.now() - startedAt))
    child.kill('SIGTERM')
    await ended
  }
  const best = Math.min(...times)
  t.ok(best <= MAX_MS, `${times.join(', ')} ms`)
  figure(`best of ${times.length} starts ${best} ms, the first ${times[0]} ms`)
})
