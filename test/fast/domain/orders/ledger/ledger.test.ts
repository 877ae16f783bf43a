import { randomUUID } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Intent } from '../../../../../src/domain/orders/ledger/entry.ts'
import { createLedger, type Ledger, type VersionedEntry } from '../../../../../src/domain/orders/ledger/ledger.ts'
import { createDurableSqlite } from '../../../../../src/store/durable.ts'
import { type DurableStore, StoreUnavailable } from '../../../../../src/store/index.ts'
import { createRedisStore } from '../../../../../src/store/redis.ts'
import { fails } from '../../../../support/assert/expect.ts'
import { eventually } from '../../../../support/harness/eventually.ts'
import { gateway } from '../../../../support/harness/gateway.ts'
import { redisAt, redisServer } from '../../../../support/harness/redis.ts'
import { temporaryFolder } from '../../../../support/harness/replicas.ts'

const LEASE_MS = 75_000
const HOUR_MS = 3_600_000

const stores: Record<string, (t: Test) => Promise<DurableStore>> = {
  SQLite: async t => createDurableSqlite(temporaryFolder(t)),
  Redis: async t => (await createRedisStore(redisAt((await redisServer(t)).url))).durable
}

const intentOf = (more: Partial<Intent> = {}): Intent => ({
  tenant: '1002',
  action: 'create_order',
  keyHash: randomUUID(),
  fingerprint: 'the same',
  requested: { planId: 2, bucketName: `b-${randomUUID()}`, location: 'NL' },
  ...more
})

/** Claims an unused key, or takes its entry over. @throws Error when the claim fails */
const claimEntry = async (ledger: Ledger, intent: Intent): Promise<VersionedEntry> => {
  const claim = await ledger.claim(intent)
  if (claim.kind !== 'new' && claim.kind !== 'takeover') throw new Error(`not claimed: ${claim.kind}`)
  return claim.claimed
}
const recordChange = async (
  ledger: Ledger,
  claimed: VersionedEntry,
  change: Parameters<Ledger['record']>[1]
): Promise<VersionedEntry> => {
  const next = await ledger.record(claimed, change)
  if (!next) throw new Error('taken over')
  return next
}
const failure = { name: 'upstream-bad-response', detail: 'No account was created.', outcome: 'not-applied' } as const

for (const [name, setup] of Object.entries(stores)) {
  t.test(`the ledger in ${name}`, async t => {
    let time = Date.now()
    const opened = await setup(t)
    t.after(() => opened.close())
    const store: DurableStore = { ...opened, now: async () => time }
    const ledger = createLedger({ store, leaseMs: LEASE_MS })
    const kindOf = async (intent: Intent) => (await ledger.claim(intent)).kind

    t.test('one of many concurrent claims is new', async t => {
      const intent = intentOf()
      const kinds = await Promise.all(Array.from({ length: 20 }, () => kindOf(intent)))
      t.equal(kinds.filter(kind => kind === 'new').length, 1)
      t.strictSame(new Set(kinds), new Set(['new', 'running']))
    })

    t.test('one of many concurrent keys gets the bucket name', async t => {
      const { requested } = intentOf()
      const claims = await Promise.all(Array.from({ length: 20 }, () => ledger.claim(intentOf({ requested }))))
      const [winner, ...others] = claims.filter(({ kind }) => kind === 'new')
      t.equal(others.length, 0)
      const orderId = winner?.kind === 'new' ? winner.claimed.entry.orderId : ''
      const losers = claims.flatMap(claim => (claim.kind === 'duplicate' ? [claim.orderId] : []))
      t.strictSame(
        losers,
        Array.from({ length: 19 }, () => orderId)
      )
    })

    t.test('a bucket name is reserved for one customer and one action', async t => {
      const { requested } = intentOf()
      t.equal(await kindOf(intentOf({ requested })), 'new')
      t.equal(await kindOf(intentOf({ requested, tenant: '1005' })), 'new')
      t.equal(await kindOf(intentOf({ requested, action: 'create_account' })), 'new')
    })

    t.test('a key is terminal when its order is done, and reused with another request', async t => {
      const intent = intentOf()
      await recordChange(ledger, await claimEntry(ledger, intent), { state: 'done', created: { s3uid: 's3_user_7' } })
      const claim = await ledger.claim(intent)
      t.match(claim, { kind: 'terminal', entry: { created: { s3uid: 's3_user_7' } } })
      t.equal(await kindOf({ ...intent, fingerprint: 'another' }), 'reused')
    })

    t.test('an entry can be taken over after the lease; the previous owner can no longer record', async t => {
      const intent = intentOf()
      const slow = await recordChange(ledger, await claimEntry(ledger, intent), { state: 'sent', sentAt: time })
      time += LEASE_MS - 1
      t.equal(await kindOf(intent), 'running')
      time += 1
      const fast = await claimEntry(ledger, intent)
      t.equal(fast.entry.state, 'sent', 'the new owner reads that it was sent')
      t.equal(await ledger.record(slow, { state: 'failed', problem: failure }), undefined)
      t.equal(await kindOf(intent), 'running', 'the lease starts again')
      await recordChange(ledger, fast, { state: 'done', created: { s3uid: 's3_user_8' } })
      t.equal(await kindOf(intent), 'terminal')
    })

    t.test('statistics count the orders whose outcome is open, and know the oldest', async t => {
      const before = await ledger.statistics()
      const since = async () => {
        const { states, oldestAt } = await ledger.statistics()
        return { sent: states.sent - before.states.sent, unknown: states.unknown - before.states.unknown, oldestAt }
      }
      const old = time - 2 * HOUR_MS
      time = old
      const [first, second, third] = [intentOf(), intentOf(), intentOf()]
      const slow = await recordChange(ledger, await claimEntry(ledger, first), { state: 'sent', sentAt: time })
      time += HOUR_MS
      const quick = await recordChange(ledger, await claimEntry(ledger, second), { state: 'sent', sentAt: time })
      const claimed = await claimEntry(ledger, third)
      t.same(await since(), { sent: 2, unknown: 0, oldestAt: old }, 'nothing was sent for the third')
      await ledger.abandon(claimed)
      const lost = await recordChange(ledger, slow, { state: 'unknown', answerLostAt: time })
      await recordChange(ledger, quick, { state: 'failed', problem: failure })
      t.same(await since(), { sent: 0, unknown: 1, oldestAt: old })
      time += HOUR_MS
      await recordChange(ledger, lost, { state: 'done', created: { s3uid: 's3_user_9' } })
      t.same(await since(), { sent: 0, unknown: 0, oldestAt: before.oldestAt })
    })

    t.test('a replica that lives renews its lease', async t => {
      const leaseMs = 900
      let renewals = 0
      const watched: DurableStore = {
        ...store,
        now: async () => Date.now(),
        replace: (key, ...rest) => {
          if (key.startsWith('order-lease')) renewals += 1
          return store.replace(key, ...rest)
        }
      }
      const short = createLedger({ store: watched, leaseMs })
      const intent = intentOf()
      const claim = await short.claim(intent)
      if (claim.kind !== 'new') throw new Error(claim.kind)
      await claim.lease.during(async () => {
        // Four renewals take longer than the lease.
        t.ok(await eventually(() => renewals >= 4))
        const other = await short.claim(intent)
        t.ok(other.kind === 'running' && other.leftMs > 0 && other.leftMs <= leaseMs, 'and reports what is left of it')
      })
      t.equal((await short.claim(intent)).kind, 'takeover', 'it ends with the work')
    })

    t.test('one of many concurrent requests takes an entry over', async t => {
      const intent = intentOf()
      await claimEntry(ledger, intent)
      time += LEASE_MS
      const kinds = await Promise.all(Array.from({ length: 10 }, () => kindOf(intent)))
      t.equal(kinds.filter(kind => kind === 'takeover').length, 1)
    })

    t.test('an unknown order can be taken over at once', async t => {
      const intent = intentOf()
      const claim = await ledger.claim(intent)
      if (claim.kind === 'new') {
        await claim.lease.during(() => recordChange(ledger, claim.claimed, { state: 'unknown', problem: failure }))
      }
      t.equal(await kindOf(intent), 'takeover')
      t.equal(await kindOf(intent), 'running', 'by one request at a time')
    })

    t.test(
      'the bucket name is free again after a failure, after abandon(), and after the account is deleted',
      async t => {
        const failed = intentOf()
        await recordChange(ledger, await claimEntry(ledger, failed), { state: 'failed', problem: failure })
        t.equal(await kindOf({ ...failed, keyHash: randomUUID() }), 'new')

        const abandoned = intentOf()
        await ledger.abandon(await claimEntry(ledger, abandoned))
        t.equal(await kindOf(abandoned), 'new', 'and the key')

        const deleted = intentOf()
        await recordChange(ledger, await claimEntry(ledger, deleted), {
          state: 'done',
          created: { s3uid: 's3_user_9' }
        })
        t.equal(await kindOf({ ...deleted, keyHash: randomUUID() }), 'duplicate')
        await ledger.forget('1005', 's3_user_9')
        t.equal(
          await kindOf({ ...deleted, keyHash: randomUUID() }),
          'duplicate',
          'for another customer nothing changes'
        )
        await ledger.forget(deleted.tenant, 's3_user_9')
        t.equal(await kindOf({ ...deleted, keyHash: randomUUID() }), 'new')
      }
    )

    t.test('a crash between the two reservations, or before the name is released, blocks no other request', async t => {
      const intent = intentOf()
      const killed = () => Promise.reject(new StoreUnavailable('killed'))
      const crashing: DurableStore = {
        ...store,
        claim: (key, ...rest) => (key.startsWith('order-request') ? killed() : store.claim(key, ...rest))
      }
      await t.rejects(createLedger({ store: crashing, leaseMs: LEASE_MS }).claim(intent), StoreUnavailable)
      t.equal(await kindOf(intent), 'running')
      time += LEASE_MS
      t.match(await ledger.claim(intent), { kind: 'takeover', claimed: { entry: { state: 'claimed' } } })

      const failed = intentOf()
      const claimed = await claimEntry(ledger, failed)
      const stopping = createLedger({ store: { ...store, release: killed }, leaseMs: LEASE_MS })
      await t.rejects(stopping.record(claimed, { state: 'failed', problem: failure }), StoreUnavailable)
      t.equal(await kindOf({ ...failed, keyHash: randomUUID() }), 'new', 'a failed order does not hold the name')
    })

    t.test('a claim that is taken over is given up when another key has the bucket name', async t => {
      const intent = intentOf()
      const { requested } = intent
      const crashing: DurableStore = {
        ...store,
        claim: (key, ...rest) =>
          key.startsWith('order-request') ? Promise.reject(new StoreUnavailable('killed')) : store.claim(key, ...rest)
      }
      await t.rejects(createLedger({ store: crashing, leaseMs: LEASE_MS }).claim(intent), StoreUnavailable)
      const other = await claimEntry(ledger, intentOf({ requested }))
      time += LEASE_MS
      t.strictSame(await ledger.claim(intent), { kind: 'duplicate', orderId: other.entry.orderId })
      t.equal(await ledger.peek(intent), undefined, 'its own claim is removed')
      await ledger.abandon(other)
      t.equal(await kindOf(intent), 'new')
    })

    t.test('a sent order that is taken over keeps its record, although another key has the bucket name', async t => {
      const intent = intentOf()
      const claimed = await recordChange(ledger, await claimEntry(ledger, intent), { state: 'sent', sentAt: time })
      // A day later the name is free.
      await store.release(
        `order-request:${intent.tenant}:${intent.action}:${intent.requested.bucketName}`,
        claimed.entry.orderId
      )
      await claimEntry(ledger, intentOf({ requested: intent.requested }))
      time += LEASE_MS
      t.equal(await kindOf(intent), 'duplicate')
      t.match(await ledger.peek(intent), { state: 'sent', orderId: claimed.entry.orderId })
    })

    t.test('a bucket name is free when the entry that holds it is missing', async t => {
      const intent = intentOf()
      const { entry, version } = await claimEntry(ledger, intent)
      await store.release(`order-key:${intent.tenant}:${intent.action}:${intent.keyHash}`, version)
      const claim = await ledger.claim({ ...intent, keyHash: randomUUID() })
      t.match(claim, { kind: 'new' })
      t.not(claim.kind === 'new' && claim.claimed.entry.orderId, entry.orderId)
    })

    t.test('keys are kept for 24 h and orders for 30 days, for their customer', async t => {
      const ttls = new Map<string, number>()
      const watched: DurableStore = {
        ...store,
        put: (key, value, ttlMs) => store.put(key, value, ttls.set(key.split(':')[0] ?? '', ttlMs) && ttlMs),
        claim: (key, value, ttlMs) => store.claim(key, value, ttls.set(key.split(':')[0] ?? '', ttlMs) && ttlMs),
        replace: (key, old, value, ttlMs) =>
          store.replace(key, old, value, ttls.set(key.split(':')[0] ?? '', ttlMs) && ttlMs)
      }
      const timed = createLedger({ store: watched, leaseMs: LEASE_MS })
      const claimed = await claimEntry(timed, intentOf())
      time += HOUR_MS
      await recordChange(timed, claimed, { state: 'done', created: { s3uid: 's3_user_10' } })
      t.strictSame(Object.fromEntries(ttls), {
        'order-key': 23 * HOUR_MS,
        'order-request': 24 * HOUR_MS,
        'order-account': 24 * HOUR_MS,
        'order-lease': 24 * HOUR_MS,
        order: 30 * 24 * HOUR_MS
      })
      t.match(await timed.find('1002', claimed.entry.orderId), { state: 'done' })
      t.equal(await timed.find('1005', claimed.entry.orderId), undefined)
    })
  })
}

t.test('503 store-unavailable for orders alone on a Redis that may lose or evict them; nothing is sent', async t => {
  const redis = await redisServer(t)
  const { post, get, asked, managementUrl, lines } = await gateway(t, {
    REDIS_URL: redis.url,
    SESSION_SECRET: 'x'.repeat(40)
  })
  const readiness = async () => JSON.parse(await (await fetch(`${managementUrl}/readyz`)).text())
  t.strictSame(await readiness(), { status: 'ok' })
  for (const [setting, bad, good, cause] of [
    ['appendonly', 'no', 'yes', 'no-append-only-file'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction', 'eviction'],
    ['maxmemory-policy', 'volatile-ttl', 'noeviction', 'eviction']
  ] as const) {
    t.test(`${setting} ${bad}`, async t => {
      const before = asked().filter(action => action.startsWith('create_')).length
      const order = { planId: 2, bucketName: `photos-${bad}` }
      const keyed = { headers: { 'idempotency-key': `the-key-of-${bad}-0000` } }
      await redis.command('CONFIG', 'SET', setting, bad)
      // A new connection, as after a failover: what is behind it is examined again.
      await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      const advice = new RegExp(`"part":"ledger","cause":"${cause}".*set ${setting} ${good}`)
      t.ok(await eventually(async () => advice.test(JSON.stringify(await readiness()))), String(advice))
      fails(t, await post('/orders', order, keyed), 503, 'store-unavailable', { outcome: 'not-applied' })
      fails(t, await post('/accounts', { ...order, planId: 1 }, keyed), 503, 'store-unavailable')
      t.equal(asked().filter(action => action.startsWith('create_')).length, before)
      t.equal((await get('/accounts')).statusCode, 200)
      await redis.command('CONFIG', 'SET', setting, good)
      t.equal((await post('/orders', order, keyed)).statusCode, 201, 'as soon as it is mended')
      t.ok(await eventually(async () => (await readiness()).status === 'ok'))
    })
  }
  t.test('the log says once for each why, and that it is over', async t => {
    const about = (cause: string) => lines.filter(line => line.includes(`"cause":"${cause}"`)).length
    t.strictSame([about('no-append-only-file'), about('eviction')], [1, 2])
    t.ok(lines.filter(line => line.includes('the store answers again')).length >= 3)
    const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
    t.match(metrics, 'gateway_store_faults_total{part="ledger",cause="eviction"} 2')
    t.match(metrics, 'gateway_store_faults_total{part="ledger",cause="cluster"} 0')
  })
})

t.test('503 store-unavailable for orders alone when the folder of the ledger cannot be written', async t => {
  const file = join(temporaryFolder(t), 'a-file')
  writeFileSync(file, '')
  const { post, get, asked, managementUrl } = await gateway(t, {
    DATA_DIR: join(file, 'data'),
    AUDIT_LOG: join(temporaryFolder(t), 'audit.log')
  })
  const order = { planId: 2, bucketName: 'photos' }
  const keyed = { headers: { 'idempotency-key': 'a'.repeat(16) } }
  fails(t, await post('/orders', order, keyed), 503, 'store-unavailable', { outcome: 'not-applied' })
  t.notOk(asked().includes('create_order'), 'nothing is sent')
  t.equal((await get('/accounts')).statusCode, 200)
  t.equal((await post('/accounts', { ...order, planId: 1 })).statusCode, 201, 'without a key the ledger is not used')
  t.match(await (await fetch(`${managementUrl}/readyz`)).json(), {
    status: 'unready',
    reasons: [{ part: 'ledger', cause: 'folder', detail: /set DATA_DIR to a folder/ }]
  })
  t.equal((await get('/readyz')).statusCode, 503)
  rmSync(file)
  t.ok(await eventually(async () => (await get('/readyz')).statusCode === 200), 'it is tried again')
})
