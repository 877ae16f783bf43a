import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { addCustomer, standardFixture } from '../../../src/sandbox/fixture.ts'
import { type Fixture, type Sandbox, startSandbox } from '../../../src/sandbox/index.ts'
import { openBucket } from '../../../src/sandbox/storage.ts'
import type { RedisServer } from '../../support/harness/redis.ts'
import { type KnownOutcome, type OrderIntent, orderUntilKnown } from './client.ts'
import { type KillableGateways, killableGateways } from './killable-gateways.ts'

export interface Torture {
  /** Minimum number of orders; more follow until there were enough kills. */
  orders: number
  kills: number
  clients: number
  customers: number
  /** The ledger; undefined for a SQLite file. */
  redis?: RedisServer
  /** Milliseconds between two kills of Redis, which restarts at once with the data on its disk. */
  redisKillsEveryMs?: number
  report?: (line: string) => void
}

/** What went wrong. */
export interface Damage {
  orders: number
  kills: number
  redisKills: number
  /** Accounts without an order. */
  duplicated: number
  /** Orders with a 201 whose account does not exist. */
  lost: number
  /** Orders with the account of another order, or with different replies for one key. */
  wrong: number
  /** Orders whose outcome stayed open. */
  open: number
  newKeys: number
  p99Ms: number
  seconds: number
}

const MAX_TAKEN = 1000
const ANSWERS_BETWEEN_KILLS = 10
const KILL_MS = { least: 250, most: 750 }
/** In each hundred orders: a connection reset before HOSTKEY acts, one reset after it, and one "-1 but created". */
const FAULT_EVERY = 100
const TWICE_EVERY = 5

/** Orders from many clients through gateways that are killed repeatedly, with a HOSTKEY that closes connections. */
export const torture = async (options: Torture): Promise<Damage> => {
  const { report = () => undefined, redis } = options
  const startedAt = performance.now()
  const sandbox = await startSandbox({ seed: randomUUID(), fixture: fixtureOf(options.customers) })
  const dataDir = mkdtempSync(join(tmpdir(), 'hks3-torture-'))
  const gateways = await killableGateways({
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: dataDir,
    AUDIT_LOG: join(dataDir, 'audit.log'),
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    SESSION_SECRET: 'x'.repeat(40),
    RATE_LIMIT_MAX: '1000000',
    RATE_LIMIT_WINDOW_MS: '1000',
    UPSTREAM_TIMEOUT_MS: '2000',
    ORDER_LEASE_MS: '3500',
    ORDER_LATE_EXECUTION_WINDOW_MS: '500',
    ...(redis && { REDIS_URL: redis.url })
  })
  const outcomes: KnownOutcome[] = []
  let begun = 0
  let redisKills = 0
  let isOver = false
  const isEnough = () => begun >= options.orders && gateways.kills >= options.kills

  const client = async () => {
    while (!isEnough()) {
      begun += 1
      const intent = intentOf(begun, options.customers, sandbox)
      armFault(begun, sandbox)
      const key = randomUUID()
      const askers = begun % TWICE_EVERY === 0 ? 2 : 1
      outcomes.push(
        ...(await Promise.all(Array.from({ length: askers }, () => orderUntilKnown(intent, key, gateways.urls))))
      )
      if (outcomes.length % 500 === 0) report(`${outcomes.length} outcomes, ${gateways.kills} kills`)
    }
  }
  const redisKiller = async () => {
    while (!isOver && redis && options.redisKillsEveryMs !== undefined) {
      await pause(options.redisKillsEveryMs)
      await redis.restart()
      redisKills += 1
    }
  }

  const killers = Promise.all([
    killing(
      gateways,
      () => outcomes.length,
      () => isOver
    ),
    redisKiller()
  ])
  try {
    await Promise.all(Array.from({ length: options.clients }, client))
  } finally {
    isOver = true
    await killers
    await gateways.close()
  }
  const damage = damageOf(outcomes, sandbox)
  for (const { s3uid, intent, text } of outcomes) if (s3uid === undefined) report(`open: ${intent.bucketName} ${text}`)
  await sandbox.close()
  rmSync(dataDir, { recursive: true, force: true })
  return { ...damage, kills: gateways.kills, redisKills, seconds: Math.round((performance.now() - startedAt) / 1000) }
}

/** Kills only while orders make progress: on a busy machine the starts alone would take all the time. */
const killing = async (gateways: KillableGateways, outcomes: () => number, isOver: () => boolean) => {
  let answersAtKill = 0
  while (!isOver()) {
    await pause(KILL_MS.least + Math.random() * (KILL_MS.most - KILL_MS.least))
    if (outcomes() - answersAtKill < ANSWERS_BETWEEN_KILLS) continue
    gateways.killOne()
    answersAtKill = outcomes()
  }
}

const customerOf = (index: number) => `buyer-${index}`

/** Customers with credit, and bucket names that another customer has taken. */
const fixtureOf =
  (customers: number): Fixture =>
  world => {
    standardFixture(world)
    for (let index = 0; index < customers; index += 1) {
      addCustomer(world, 2000 + index, customerOf(index), { servers: [1], creditCents: 1_000_000_000 })
    }
    const other = world.accounts.get('s3_user_2')
    if (!other) throw new TypeError('the fixture has no s3_user_2')
    for (let index = 0; index <= MAX_TAKEN; index += 1) openBucket(world, other, `taken-${index}`)
  }

const intentOf = (number: number, customers: number, { control }: Sandbox): OrderIntent => {
  const customer = customerOf(number % customers)
  const taken = number / FAULT_EVERY
  const isTaken = Number.isInteger(taken) && taken <= MAX_TAKEN
  return {
    customer,
    token: control.tokenOf(customer),
    bucketName: isTaken ? `taken-${taken}` : `order-${number}`,
    isTaken
  }
}

/** The fault applies to the next order. */
const armFault = (number: number, { control }: Sandbox) => {
  if (number % FAULT_EVERY === 33) control.fault({ kind: 'reset-before', action: 'create_order', count: 1 })
  if (number % FAULT_EVERY === 66) control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
}

/** Compares the outcomes with the accounts at HOSTKEY. */
const damageOf = (outcomes: readonly KnownOutcome[], { control }: Sandbox) => {
  const { accounts, customers } = control.state()
  const byName = new Map(accounts.map(account => [account.s3uid, account]))
  const idOf = new Map(customers.map(({ name, id }) => [name, id]))
  const intents = [...new Set(outcomes.map(({ intent }) => intent))]
  const ownerOf = new Map<string, OrderIntent>()
  const textOf = new Map<string, string>()
  let lost = 0
  let wrong = 0
  for (const { intent, s3uid, text, key } of outcomes) {
    if (s3uid === undefined) continue
    const account = byName.get(s3uid)
    if (!account) {
      lost += 1
      continue
    }
    const isFitting = intent.isTaken ? account.buckets.length === 0 : account.buckets.includes(intent.bucketName)
    const isFirst = (ownerOf.get(s3uid) ?? intent) === intent
    const isSame = text === '' || (textOf.get(key) ?? text) === text
    if (!isFitting || !isFirst || !isSame || account.customerId !== idOf.get(intent.customer)) wrong += 1
    ownerOf.set(s3uid, intent)
    if (text !== '') textOf.set(key, text)
  }
  // A bucket name is unique: a second account for an order has no bucket.
  const duplicated = [...idOf].reduce((sum, [name, id]) => {
    if (!name.startsWith('buyer-')) return sum
    const bare = accounts.filter(({ customerId, buckets }) => customerId === id && buckets.length === 0)
    const expected = intents.filter(({ customer, isTaken }) => customer === name && isTaken)
    return sum + Math.max(0, bare.length - expected.length)
  }, 0)
  const times = outcomes.map(({ ms }) => ms).sort((a, b) => a - b)
  return {
    orders: intents.length,
    duplicated,
    lost,
    wrong,
    open: outcomes.filter(({ s3uid }) => s3uid === undefined).length,
    newKeys: outcomes.reduce((sum, { keys }) => sum + keys - 1, 0),
    p99Ms: Math.round(times[Math.floor(times.length * 0.99)] ?? 0)
  }
}
