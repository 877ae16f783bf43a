import t, { type Test } from 'tap'
import { createRedisStore } from '../../../src/store/redis.ts'
import { StoreUnavailable } from '../../../src/store/store.ts'
import { MAX_RECOVERY_MS, timeUntil } from '../../guarantees/redis-outage/stage.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { redisAt, redisServer } from '../../support/harness/redis.ts'
import { tcpProxy } from '../../support/harness/tcp-proxy.ts'
import { atOnce } from './at-once.ts'

const LIFE_MS = 60_000
const TIMEOUT_MS = 50

const opened = async (t: Test, settings: readonly string[] = []) => {
  const redis = await redisServer(t, { settings })
  const proxy = await tcpProxy(t, redis.port)
  const reports: (string | undefined)[] = []
  const store = await createRedisStore(redisAt(`redis://127.0.0.1:${proxy.port}`, { timeoutMs: TIMEOUT_MS }), {
    store: fault => reports.push(fault?.cause)
  })
  t.after(() => store.close())
  return { redis, proxy, store, reports }
}

t.test('a Redis store', async t => {
  t.test('stores every key under its prefix and with an expiry', async t => {
    const { redis, store } = await opened(t)
    await store.put('a', 'b', LIFE_MS)
    await store.claim('lock', 'me', LIFE_MS)
    await store.increment('limit', 1, LIFE_MS)
    await store.addMember('set', 'a', 1, LIFE_MS)
    await store.touch('a', LIFE_MS)
    const keys = (await redis.command('KEYS', '*')) as string[]
    t.strictSame(keys.sort(), ['hks3:a', 'hks3:limit', 'hks3:lock', 'hks3:set'])
    for (const key of keys) t.ok(Number(await redis.command('PTTL', key)) > 0, key)
  })

  t.test('answers the first command after the start', async t => {
    const { store } = await opened(t)
    t.equal(await store.get('a'), undefined)
  })

  t.test('is not reported as unavailable when the process itself was busy', async t => {
    const reports: unknown[] = []
    const connection = redisAt((await redisServer(t)).url, { timeoutMs: TIMEOUT_MS })
    const store = await createRedisStore(connection, { store: fault => reports.push(fault) })
    t.after(() => store.close())
    await store.put('a', 'b', LIFE_MS)
    const value = store.get('a')
    const until = performance.now() + 120
    while (performance.now() < until);
    t.equal(await value, 'b')
    t.strictSame(reports, [])
  })

  t.test(
    'StoreUnavailable for every command while Redis hangs, the first after 50 ms; no command is executed later',
    async t => {
      const { redis, store, reports } = await opened(t)
      redis.freeze()
      const begunAt = performance.now()
      await t.rejects(store.touch('a', LIFE_MS), StoreUnavailable)
      const first = performance.now() - begunAt
      t.ok(first >= 45 && first < 200, `${first.toFixed(0)} ms`)
      for (const [name, run] of Object.entries({
        get: () => store.get('a'),
        put: () => store.put('a', 'b', LIFE_MS),
        claim: () => store.claim('a', 'b', LIFE_MS),
        release: () => store.release('a', 'b'),
        remove: () => store.remove('a'),
        increment: async () => await store.increment('a', 1, LIFE_MS),
        addMember: () => store.addMember('a', 'b', 1, LIFE_MS),
        removeMember: () => store.removeMember('a', 'b'),
        removeAllMembers: () => store.removeAllMembers('a'),
        now: () => store.now()
      })) {
        t.ok((await atOnce(run())) instanceof StoreUnavailable, `${name} does not wait`)
      }
      t.ok(await atOnce(store.check()), 'is not available')
      redis.thaw()
      t.ok((await timeUntil(async () => (await store.check()) === undefined)) <= MAX_RECOVERY_MS)
      t.ok(await eventually(() => reports.length === 2))
      t.strictSame(reports, ['no-answer', undefined])
      t.strictSame(await redis.dump(), [])
    }
  )

  t.test('reports why it is unavailable, without the password', async t => {
    const { redis } = await opened(t, ['--requirepass', 'right'])
    const reports: (string | undefined)[] = []
    const store = await createRedisStore(redisAt(`redis://:wrong-one@127.0.0.1:${redis.port}`), {
      store: fault => reports.push(`${fault?.cause} ${fault?.detail}`)
    })
    t.ok(await store.check(), 'is not available')
    await t.rejects(store.get('a'), StoreUnavailable)
    await store.close()
    t.equal(reports.length, 1)
    t.match(reports[0], /^authentication .*WRONGPASS.*REDIS_PASSWORD/)
    t.notMatch(reports[0], /wrong-one/)
  })

  t.test('StoreUnavailable after close, which is not reported', async t => {
    const { store, reports } = await opened(t)
    await store.close()
    await t.rejects(store.get('a'), StoreUnavailable)
    t.ok(await store.check(), 'is not available')
    t.strictSame(reports, [])
  })
})

t.test('a Redis store behind a network', async t => {
  t.test('replaces a connection whose state a firewall has dropped', async t => {
    const { store, proxy } = await opened(t)
    await store.put('a', 'b', LIFE_MS)
    proxy.stall()
    await t.rejects(store.get('a'), StoreUnavailable)
    const ms = await timeUntil(async () => (await store.get('a').catch(() => undefined)) === 'b')
    t.ok(ms <= 1000, `${ms.toFixed(0)} ms`)
    t.comment(`a dropped connection was replaced after ${ms.toFixed(0)} ms`)
  })

  t.test('connects to the new master when the old one has become its replica', async t => {
    const { redis, store, proxy, reports } = await opened(t)
    const master = await redisServer(t)
    await store.put('a', 'b', LIFE_MS)
    await redis.command('REPLICAOF', '127.0.0.1', String(master.port))
    proxy.redirect(master.port)
    await store.touch('a', LIFE_MS).catch(() => undefined)
    const ms = await timeUntil(() =>
      store.put('c', 'd', LIFE_MS).then(
        () => true,
        () => false
      )
    )
    t.ok(ms <= MAX_RECOVERY_MS, `${ms.toFixed(0)} ms`)
    t.ok(await eventually(() => reports.length > 0 && reports.at(-1) === undefined), 'the recovery is reported')
    t.equal(await master.command('GET', 'hks3:c'), 'd')
  })
})
