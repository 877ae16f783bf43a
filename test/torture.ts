import { parseArgs } from 'node:util'
import { redisServer } from './support/redis.ts'
import { torture } from './support/torture.ts'

/** `npm run torture -- --ledger sqlite|redis|redis-killed --orders 10000 --kills 200`: T-ORDER at full length. */
const { values } = parseArgs({
  options: {
    ledger: { type: 'string', default: 'sqlite' },
    orders: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '200' }
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

const { duplicated, lost, wrong } = damage
process.stdout.write(`T-ORDER ${values.ledger}: ${JSON.stringify(damage)}\n`)
if (duplicated + lost + wrong > 0) process.exitCode = 1
