import t from 'tap'
import { MAX_IN_FLIGHT } from '../../src/upstream/resilience/fair-queue.ts'
import {
  BUCKETS,
  isRefusedGently,
  linesWith,
  MAX_RECOVERY_MS,
  onRedis,
  probe,
  timeUntil
} from '../guarantees/redis-outage/stage.ts'
import { fails } from '../support/assert/expect.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { redisServer } from '../support/harness/redis.ts'
import { replicas } from '../support/harness/replicas.ts'

const figures = figuresOf(t, 'redis-outage')

t.test('Redis without memory', async t => {
  const { redis, gateway, browserAt, sandbox } = await onRedis(t, { RATE_LIMIT_MAX: '600' })
  const browser = await browserAt(0)
  await redis.command('CONFIG', 'SET', 'maxmemory', '1')

  t.test(
    '503 store-unavailable for a login that cannot be kept, 429 after the part of one of two replicas',
    async t => {
      const logIn = () =>
        gateway.post('/session', { apiKey: sandbox.demo.apiKey }, { token: null, headers: { 'x-csrf': '1' } })
      for (let tries = 0; tries < 2; tries += 1) isRefusedGently(t, await logIn())
      fails(t, await logIn(), 429, 'rate-limited')
    }
  )

  t.test('200 for the sessions that are there, and 429 after the part of one of two replicas', async t => {
    const statuses: number[] = []
    let asked = 0
    const page = async () => {
      while (asked < 650) {
        asked += 1
        statuses.push((await browser.get(BUCKETS)).statusCode)
      }
    }
    // As many as one session may have at the same time.
    await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, page))
    t.equal(statuses.filter(status => status === 200).length, 300)
    t.equal(statuses.filter(status => status === 429).length, 350)
  })

  t.test('is not ready, says so once, and is not taken for an outage: Redis answers', async t => {
    t.equal(await probe(gateway, 'readyz'), 503)
    t.equal(linesWith(gateway, 'the store does not answer'), 0)
    t.equal(linesWith(gateway, 'the store refuses its work'), 1)
  })

  t.test('201 for a login as soon as there is memory again', async t => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    const reply = await browser.logIn({ email: sandbox.demo.email, password: sandbox.demo.password })
    t.equal(reply.statusCode, 201, reply.text)
  })
})

/** Microseconds to load one key, and bytes between two looks at the clients. */
const SLOW_LOADING = [
  '--appendonly',
  'no',
  '--key-load-delay',
  '1000',
  '--loading-process-events-interval-bytes',
  '1024'
]

t.test('Redis that loads its file', async t => {
  const { redis, gateway, browserAt } = await onRedis(t)
  const browser = await browserAt(0)
  await redis.command('EVAL', "for i = 1, 1500 do redis.call('SET', 'filler:' .. i, string.rep('x', 100)) end", '0')
  await redis.command('SAVE')
  await redis.restart(SLOW_LOADING)
  t.match(String(await redis.command('INFO', 'persistence')), /^loading:1/m, 'it is loading')

  t.test('503 store-unavailable for a cookie, 200 for a bearer', async t => {
    for (let tries = 0; tries < 5; tries += 1) isRefusedGently(t, await browser.get(BUCKETS))
    t.equal((await gateway.get(BUCKETS)).statusCode, 200)
    t.equal(await probe(gateway, 'readyz'), 503)
    t.match(String(await redis.command('INFO', 'persistence')), /^loading:1/m, 'it was loading all the time')
  })

  t.test(`200 by the session that the file held, within ${MAX_RECOVERY_MS} ms of the end`, async t => {
    await timeUntil(async () => /^loading:0/m.test(String(await redis.command('INFO', 'persistence'))))
    const ms = await timeUntil(async () => (await browser.get(BUCKETS)).statusCode === 200)
    t.ok(ms <= MAX_RECOVERY_MS, `${ms.toFixed(0)} ms`)
    figures(`recovery after loading: ${ms.toFixed(0)} ms`)
  })
})

t.test('a gateway that starts while Redis is away', async t => {
  const away = { killed: ['kill', 'start'], frozen: ['freeze', 'thaw'] } as const
  for (const [name, [begin, end]] of Object.entries(away)) {
    t.test(name, async t => {
      const redis = await redisServer(t)
      await redis[begin]()
      const { at, service, browserAt } = await replicas(t, { REDIS_URL: redis.url }, { count: 1 })
      const gateway = at(0)

      t.test('lives, is not ready, and serves bearers and services', async t => {
        t.equal(await probe(gateway, 'livez'), 200)
        t.equal(await probe(gateway, 'readyz'), 503)
        t.equal((await gateway.get(BUCKETS)).statusCode, 200)
        t.equal((await gateway.get(BUCKETS, service)).statusCode, 200)
      })

      t.test(`is ready within ${MAX_RECOVERY_MS} ms, and lets people log in`, async t => {
        await redis[end]()
        const ms = await timeUntil(async () => (await probe(gateway, 'readyz')) === 200)
        t.ok(ms <= MAX_RECOVERY_MS, `${ms.toFixed(0)} ms`)
        figures(`ready ${ms.toFixed(0)} ms after Redis was ${name}`)
        t.equal((await (await browserAt(0)).get(BUCKETS)).statusCode, 200)
      })
    })
  }
})

t.test('a gateway that starts beside Redis is ready at its first request', async t => {
  const { browserAt } = await onRedis(t)
  t.equal((await (await browserAt(0)).get(BUCKETS)).statusCode, 200)
})
