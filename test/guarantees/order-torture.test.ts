import t, { type Test } from 'tap'
import { amount, isLong } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { redisServer } from '../support/harness/redis.ts'
import { type Damage, type Torture, torture } from './orders/torture.ts'

/** A small version of `npm run torture`, which also kills Redis. */
const SMALL = amount(
  { orders: 10, kills: 1, clients: 8, customers: 2 },
  { orders: 100, kills: 4, clients: 24, customers: 4 }
)

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always']

const figure = figuresOf(t, 'order-torture')

const isUnharmed = (t: Test, name: string, damage: Damage) => {
  const { orders, kills, redisKills, duplicated, lost, wrong, open, p99Ms, seconds } = damage
  figure(
    `${name}: ${orders} orders, ${kills} kills, ${redisKills} of Redis: ` +
      `${duplicated} duplicated, ${lost} lost, ${wrong} wrong, ${open} open; p99 ${p99Ms} ms, ${seconds} s`
  )
  t.strictSame({ duplicated, lost, wrong }, { duplicated: 0, lost: 0, wrong: 0 })
  t.ok(orders >= SMALL.orders && kills >= SMALL.kills)
}

const variant = (name: string, options: (t: Test) => Promise<Partial<Torture>>) =>
  t.test(`no order is duplicated, lost or mixed up: ${name}`, async t => {
    isUnharmed(t, name, await torture({ ...SMALL, ...(await options(t)) }))
  })

variant('SQLite ledger', async () => ({}))
if (isLong) variant('Redis ledger', async t => ({ redis: await redisServer(t, { settings: DURABLE }) }))
