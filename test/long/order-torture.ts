import { recordFigures } from '../../scripts/figures.ts'
import { readCommandLine } from '../../src/core/command-line.ts'
import { torture } from '../guarantees/orders/torture.ts'
import { redisServer } from '../support/harness/redis.ts'

const { values } = readCommandLine({
  usage: `npm run torture -- [--ledger sqlite|redis|redis-killed] [--orders 10000] [--kills 200] [--record]

Kills gateways while they order, and counts orders that are doubled, lost or wrong.

  --record  records the figures for docs/reference/guarantees.md
`,
  options: {
    ledger: { type: 'string', default: 'sqlite' },
    orders: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '200' },
    record: { type: 'boolean', default: false }
  }
})
const ends: (() => Promise<void>)[] = []
const redis = values.ledger.startsWith('redis')
  ? await redisServer(
      { after: end => ends.push(end) },
      { settings: ['--appendonly', 'yes', '--appendfsync', 'always'] }
    )
  : undefined

const damage = await torture({
  orders: Number(values.orders),
  kills: Number(values.kills),
  clients: 48,
  customers: 24,
  ...(redis && { redis }),
  ...(values.ledger === 'redis-killed' && { redisKillsEveryMs: 10_000 }),
  report: line => process.stdout.write(`${line}\n`)
})
for (const end of ends) await end()

const { orders, kills, redisKills, duplicated, lost, wrong, open, p99Ms, seconds } = damage
const figure =
  `${orders} orders, ${kills} kills of gateways, ${redisKills} of Redis: ${duplicated} duplicated, ${lost} lost, ${wrong} wrong, ` +
  `${open} open; p99 ${p99Ms} ms, ${seconds} s`
process.stdout.write(`order-torture ${values.ledger}: ${figure}\n`)
if (duplicated + lost + wrong > 0) process.exitCode = 1
else if (values.record) recordFigures({ [`npm run torture -- --ledger ${values.ledger}`]: [figure] })
