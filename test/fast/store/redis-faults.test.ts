import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { StoreFault } from '../../../src/store/faults.ts'
import { createRedisStore } from '../../../src/store/redis.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { type RedisServer, redisAt, redisServer } from '../../support/harness/redis.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

const LIFE_MS = 60_000

/** What a store on this Redis reports, for each part. */
const opened = async (t: Test, url: string, more: Parameters<typeof redisAt>[1] = {}) => {
  const reports: Record<'store' | 'ledger', (StoreFault | undefined)[]> = { store: [], ledger: [] }
  const store = await createRedisStore(redisAt(url, more), {
    store: fault => reports.store.push(fault),
    ledger: fault => reports.ledger.push(fault)
  })
  t.after(() => store.close())
  return { store, reports }
}

const addUser = (redis: RedisServer, ...rules: string[]) =>
  redis.command('ACL', 'SETUSER', 'gateway', 'reset', 'on', '>p@ss/w#rd %41?', '~hks3:*', ...rules)
const as = { username: 'gateway', password: 'p@ss/w#rd %41?' }

/** The user of docs/how-to/run-several-replicas.md. */
const MINIMAL =
  /user gateway on >PASSWORD ~hks3:\* (.*)$/m
    .exec(readFileSync('docs/how-to/run-several-replicas.md', 'utf8'))?.[1]
    ?.split(' ') ?? []

t.test('an ACL user', async t => {
  const redis = await redisServer(t)

  t.test('with the documented permissions and odd characters in its password can do everything', async t => {
    await addUser(redis, ...MINIMAL)
    const { store, reports } = await opened(t, redis.url, as)
    t.strictSame([await store.check(), await store.durable.check()], [undefined, undefined])
    t.strictSame(reports, { store: [], ledger: [] })
    const encoded = redis.url.replace('://', `://gateway:${encodeURIComponent(as.password)}@`)
    t.equal(await (await opened(t, encoded)).store.check(), undefined, 'also percent-encoded in the URL')
  })

  t.test('without INFO: orders are refused, because nobody knows what this Redis keeps', async t => {
    await addUser(redis, ...MINIMAL, '-info')
    const { store, reports } = await opened(t, redis.url, as)
    t.equal(await store.check(), undefined)
    t.match(await store.durable.check(), { cause: 'permission', code: 'NOPERM info' })
    await t.rejects(store.durable.put('a', 'b', LIFE_MS))
    await store.put('a', 'b', LIFE_MS)
    t.strictSame([reports.store.length, reports.ledger.length], [0, 1])
  })

  for (const [lacking, rules] of Object.entries({
    'a command': [...MINIMAL, '-lrem'],
    scripts: [...MINIMAL, '-@scripting'],
    'the keys': [...MINIMAL, 'resetkeys', '~other:*']
  })) {
    t.test(`without ${lacking}: told at the start, once, and when it is mended`, async t => {
      await addUser(redis, ...rules)
      const { store, reports } = await opened(t, redis.url, as)
      t.match(await store.check(), { cause: 'permission', detail: /ACL user lacks a permission/ })
      await addUser(redis, ...MINIMAL)
      t.ok(await eventually(async () => (await store.check()) === undefined))
      t.match(reports.store, [{ cause: 'permission' }, undefined])
    })
  }
})

t.test('Redis that runs, and refuses a part of its work', async t => {
  const redis = await redisServer(t)
  const { store, reports } = await opened(t, redis.url)
  await store.put('kept', 'value', LIFE_MS)

  t.test('out of memory: reads still work', async t => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    for (let tries = 0; tries < 3; tries += 1) await t.rejects(store.put('a', 'b', LIFE_MS))
    t.match(await store.check(), { cause: 'out-of-memory', code: 'OOM', detail: /raise maxmemory/ })
    t.equal(await store.touch('kept', LIFE_MS), 'value')
    const limit = { key: 'limit', by: 1, windowMs: LIFE_MS, max: 9 }
    const admission = await store.admit([limit], { key: 'kept', ttlMs: LIFE_MS, limits: [limit] })
    t.strictSame(admission, { counts: [], record: 'value' })
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    t.ok(await eventually(async () => (await store.check()) === undefined))
    t.match(reports.store, [{ cause: 'out-of-memory' }, undefined])
  })

  t.test('a replica without its master', async t => {
    await redis.command('REPLICAOF', '127.0.0.1', '1')
    await t.rejects(store.put('a', 'b', LIFE_MS))
    t.match(await store.check(), { cause: 'read-only', detail: /name the master, or use REDIS_SENTINELS/ })
    await redis.command('REPLICAOF', 'NO', 'ONE')
    t.ok(await eventually(async () => (await store.check()) === undefined))
    t.match(reports.store.slice(2), [{ cause: 'read-only' }, undefined])
  })
})

t.test('a Redis Cluster is refused in words', async t => {
  // By default the bus of a node has the port 10,000 above its own, which may be in use.
  const bus = ['--cluster-port', String(await stablePort())]
  const { url } = await redisServer(t, { settings: ['--cluster-enabled', 'yes', ...bus] })
  const { store } = await opened(t, url)
  t.match(await store.check(), { cause: 'cluster', detail: /Redis Cluster, which the gateway does not support/ })
  await t.rejects(store.durable.put('a', 'b', LIFE_MS))
})

t.test('a pause or a lost connection of a Redis that runs', async t => {
  const redis = await redisServer(t)
  const { store, reports } = await opened(t, redis.url)
  await store.put('a', 'value', LIFE_MS)

  t.test('80 ms: every read and every write waits, and a counter does not', async t => {
    redis.freeze()
    const thaw = setTimeout(() => redis.thaw(), 80)
    const counts = Array.from({ length: 5 }, async () => {
      await store.increment('limit:ip:a', 1, LIFE_MS)
      return 'counted'
    })
    const values = [store.get('a'), store.touch('a', LIFE_MS), store.put('b', 'c', LIFE_MS), store.get('a')]
    t.strictSame(
      (await Promise.allSettled(counts)).filter(({ status }) => status === 'fulfilled'),
      []
    )
    t.strictSame(await Promise.all(values), ['value', 'value', undefined, 'value'])
    clearTimeout(thaw)
    redis.thaw()
  })

  t.test('a read that was lost with its connection is sent again', async t => {
    const kill = () => redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    for (let round = 0; round < 5; round += 1) {
      redis.freeze()
      const killed = kill()
      const reads = [store.get('a'), store.touch('a', LIFE_MS)]
      redis.thaw()
      await killed
      t.strictSame(await Promise.all([...reads, store.get('a')]), ['value', 'value', 'value'])
    }
    t.strictSame(reports.store, [])
  })
})
