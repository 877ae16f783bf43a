import t from 'tap'
import { MEMORY_GOAL_MB } from '../../bench/report.ts'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { openLoad } from '../support/harness/open-load.ts'
import { gatewayProcess, sandboxProcess } from '../support/harness/processes.ts'

const figure = figuresOf(t, 'memory')
const MIB = 2 ** 20
/** Requests of each kind in a round; `npm run bench -- --memory` sends 100,000 of each, and 1,000,000 more. */
const REQUESTS = amount(200, 1500)
const RPS = 800
/** The goal of `bench/`. */
const MAX_MIB = MEMORY_GOAL_MB
/** Between the second and the last round; the first fills caches. */
const MAX_GROWTH_MIB = 10
const ROUNDS = 3

t.test('memory stays the same from round to round', async t => {
  const sandbox = await sandboxProcess(t)
  const token = /token +([0-9a-f]{32})/.exec(sandbox.printed.out)?.[1]
  const settings = { UPSTREAM_URL: sandbox.url, RATE_LIMIT_MAX: '1000000', LOG_LEVEL: 'fatal' }
  const gateway = await gatewayProcess(t, settings)
  const headers = { authorization: `Bearer ${token}` }
  const paths = ['/accounts/s3_user_1/buckets/logs/files', '/accounts/s3_user_1/buckets', '/accounts', '/plans']
  const afterRounds: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    let asked = 0
    const load = openLoad(RPS, () => ({ url: `${gateway.url}${paths[asked++ % paths.length]}`, headers }))
    while (asked < REQUESTS * paths.length) await new Promise(resolve => setTimeout(resolve, 50))
    await load.end()
    afterRounds.push(Math.round(gateway.residentBytes() / MIB))
  }
  const [, second = 0] = afterRounds
  const last = afterRounds.at(-1) ?? 0
  t.ok(last - second < MAX_GROWTH_MIB, `${afterRounds.join(', ')} MiB`)
  t.ok(last <= MAX_MIB, `${last} MiB`)
  figure(`${afterRounds.join(', ')} MiB resident after each ${REQUESTS} requests of ${paths.length} kinds`)
})
