import { spawnSync } from 'node:child_process'
import t from 'tap'
import { figuresOf } from '../support/harness/figures.ts'
import { gatewayProcess } from '../support/harness/processes.ts'

const figure = figuresOf(t, 'start-time')
/** The goal, on a machine on which Node itself starts and ends in 40 ms; a slower one may take as many times longer. */
const MAX_MS = 600
const NODE_MS = 40
/** The first start makes the bundle and its compiled code; other programs may load the machine. */
const MAX_STARTS = 12

const nodeMs = (): number => {
  const startedAt = performance.now()
  spawnSync(process.execPath, ['-e', '0'])
  return performance.now() - startedAt
}

t.test('the gateway is ready soon after its start', async t => {
  const times: number[] = []
  let bestOfNode = nodeMs()
  const maxMs = () => MAX_MS * Math.max(1, bestOfNode / NODE_MS)
  while (times.length < 3 || (Math.min(...times) > maxMs() && times.length < MAX_STARTS)) {
    bestOfNode = Math.min(bestOfNode, nodeMs())
    const startedAt = performance.now()
    const { managementUrl, child, ended } = await gatewayProcess(t, {})
    t.equal((await fetch(`${managementUrl}/readyz`)).status, 200)
    times.push(Math.round(performance.now() - startedAt))
    child.kill('SIGTERM')
    await ended
  }
  const best = Math.min(...times)
  t.ok(best <= maxMs(), `${times.join(', ')} ms; Node ${bestOfNode.toFixed(0)} ms`)
  figure(`best of ${times.length} starts ${best} ms, the first ${times[0]} ms; Node ${bestOfNode.toFixed(0)} ms`)
})
