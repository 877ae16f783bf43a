import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { COOKIE } from '../../src/auth/cookie.ts'
import { standardFixture } from '../../src/sandbox/fixture.ts'
import { startSandbox } from '../../src/sandbox/index.ts'
import type { State } from '../../src/sandbox/state.ts'
import { isLong } from '../support/harness/amount.ts'
import { createBrowser } from '../support/harness/browser-caller.ts'
import { eventually } from '../support/harness/eventually.ts'
import { machineClock } from '../support/harness/faketime.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { redisServer } from '../support/harness/redis.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { orderOnce } from './orders/once.ts'

const figure = figuresOf(t, 'clock-jumps')

let beyond = 0
/** A session that has ended, and is counted where it has not. */
const isOver = (t: Test, status: number, when = 'it has ended') => {
  beyond += Number(status !== 401)
  t.equal(status, 401, when)
}

const HOUR_S = 3600
/** Idle time before a jump; an idle session ends after 15 minutes. */
const STEP_S = 14 * 60
/** Longer than the deadline of a call. */
const LEASE_MS = 5000

/** A gateway whose system clock jumps while it runs; the clocks of HOSTKEY and Redis do not. */
const withClock = async (t: Test, env: Record<string, string> = {}) => {
  const { put, env: clock } = await machineClock(t)
  let state: State | undefined
  const fixture = (created: State) => {
    standardFixture(created)
    state = created
  }
  const sandbox = await startSandbox({ seed: randomUUID(), fixture })
  t.after(() => sandbox.close())
  const settings = {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: temporaryFolder(t),
    SESSION_SECRET: 'x'.repeat(40),
    RATE_LIMIT_MAX: '1000000',
    ORDER_LEASE_MS: String(LEASE_MS),
    UPSTREAM_TIMEOUT_MS: '4000',
    ORDER_LATE_EXECUTION_WINDOW_MS: '0',
    ...clock,
    ...env
  }
  const start = () => gatewayProcess(t, settings)
  /** A token that expires at HOSTKEY in this many milliseconds. */
  const endIn = (ms: number) => {
    const token = sandbox.control.tokenOf('demo')
    const session = state?.sessions.get(token)
    if (!session) throw new TypeError('the token has no session')
    session.expiresAt = Math.ceil((Date.now() + ms) / 1000)
    return token
  }
  return { sandbox, put, start, endIn }
}

/** Starts a session of a browser. @returns a function that sends a request with it and returns the status */
const loggedIn = async (url: string, credential: object) => {
  const { statusCode, headers, body } = await request(`${url}/session`, {
    method: 'POST',
    headers: { 'x-csrf': '1', 'content-type': 'application/json' },
    body: JSON.stringify(credential)
  })
  const text = await body.text()
  if (statusCode !== 201) throw new Error(text)
  const cookie = new RegExp(`${COOKIE}=([^;]+)`).exec(String(headers['set-cookie']))?.[1]
  const ask = async () => {
    const reply = await request(`${url}/session`, { headers: { 'x-csrf': '1', cookie: `${COOKIE}=${cookie}` } })
    await reply.body.dump()
    return reply.statusCode
  }
  return Object.assign(ask, { expiresAt: String(JSON.parse(text).expiresAt) })
}

/** Seconds, rounded up. */
const lifeOf = (expiresAt: string) => Math.ceil((Date.parse(expiresAt) - Date.now()) / 1000)

t.test('a session of a process whose clock jumps by an hour', async t => {
  let seconds = 0
  const now = Date.now
  t.intercept(Date, 'now', { value: () => now() + seconds * 1000 })
  const running = await gateway(t)
  const browser = createBrowser(running)
  await browser.logIn({ apiKey: running.sandbox.demo.apiKey })
  const cookie = browser.cookie()
  const status = async () => (await createBrowser(running, cookie).get('/session')).statusCode
  t.equal(await status(), 200)
  seconds = HOUR_S
  t.equal(await status(), 401, 'has ended after an idle hour')
  for (const back of [0, -HOUR_S]) {
    seconds = back
    t.equal(await status(), 401, 'and does not come back when the clock is set back')
  }
})

if (isLong) {
  t.test('sessions in memory', async t => {
    const { sandbox, put, start, endIn } = await withClock(t)
    const { url } = await start()
    await t.test('end in time, though the clock is set back by an hour', async t => {
      put(0)
      const session = await loggedIn(url, { token: endIn(5000) })
      put(-HOUR_S)
      t.equal(await session(), 200)
      // HOSTKEY’s clock has whole seconds.
      await pause(6300)
      isOver(t, await session())
    })

    await t.test('end when idle, though the clock is set back by an hour afterwards', async t => {
      put(0)
      const session = await loggedIn(url, { apiKey: sandbox.demo.apiKey })
      put(HOUR_S)
      isOver(t, await session())
      for (const seconds of [0, -HOUR_S]) {
        put(seconds)
        isOver(t, await session())
      }
    })

    await t.test('end after 8 hours of work, and stay so', async t => {
      put(0)
      const session = await loggedIn(url, { apiKey: sandbox.demo.apiKey })
      const lives = lifeOf(session.expiresAt)
      for (let seconds = 0; seconds < lives - 10; seconds += STEP_S) {
        put(seconds)
        t.equal(await session(), 200, `${seconds} s`)
      }
      put(lives - 10)
      t.equal(await session(), 200)
      for (const seconds of [lives + 1, lives + 1 - HOUR_S, 0]) {
        put(seconds)
        isOver(t, await session(), `${seconds} s`)
      }
    })

    await t.test('begin as usual after a jump and back', async t => {
      put(0)
      t.equal(await (await loggedIn(url, { apiKey: sandbox.demo.apiKey }))(), 200)
    })
  })

  t.test('sessions in Redis', async t => {
    const redis = await redisServer(t)
    const { sandbox, put, start, endIn } = await withClock(t, { REDIS_URL: redis.url })
    const { url } = await start()

    t.test('end when idle by the clock of Redis, not by that of the gateway', async t => {
      const session = await loggedIn(url, { apiKey: sandbox.demo.apiKey })
      for (const seconds of [HOUR_S, -HOUR_S]) {
        put(seconds)
        t.equal(await session(), 200, `${seconds} s`)
      }
      await redis.age(16 * 60 * 1000)
      isOver(t, await session())
    })

    t.test('end in time, though the clock is set back by an hour', async t => {
      put(0)
      const session = await loggedIn(url, { token: endIn(4000) })
      put(-HOUR_S)
      t.equal(await session(), 200)
      // HOSTKEY’s clock has whole seconds.
      await pause(5300)
      isOver(t, await session())
    })

    t.test('end after 8 hours of work, and stay so', async t => {
      put(0)
      const session = await loggedIn(url, { apiKey: sandbox.demo.apiKey })
      for (const seconds of [lifeOf(session.expiresAt) + 1, 0, -HOUR_S]) {
        put(seconds)
        isOver(t, await session(), `${seconds} s`)
      }
      figure(`${beyond} of all 6 sessions beyond their end`)
    })
  })

  t.test('orders', async t => {
    const { sandbox, put, start } = await withClock(t)
    const { control } = sandbox
    control.setCredit('demo', 1_000_000)
    const calls = () => control.counters()['create_order'] ?? 0
    const orderAt = async (url: string, bucketName: string) =>
      (await orderOnce(url, sandbox.demo.token, bucketName)).statusCode

    for (const [name, seconds] of [
      ['forward', HOUR_S],
      ['back', -HOUR_S]
    ] as const) {
      t.test(`one on its way is sent once, though the clock is set ${name} and others ask with its key`, async t => {
        put(0)
        const before = calls()
        control.fault({ kind: 'latency', action: 'create_order', ms: 2500, count: 1 })
        const { url } = await start()
        const first = orderAt(url, `moving-${name}`)
        t.ok(await eventually(() => calls() === before + 1))
        put(seconds)
        const others = await Promise.all([orderAt(url, `moving-${name}`), orderAt(url, `moving-${name}`)])
        t.notOk(others.includes(500), others.join())
        await first
        t.ok(await eventually(async () => (await orderAt(url, `moving-${name}`)) === 201))
        t.equal(calls(), before + 1)
      })

      t.test(
        `an order whose replica died has its outcome after the lease, although the clock is set ${name}`,
        async t => {
          put(0)
          const before = calls()
          control.fault({ kind: 'latency', action: 'create_order', ms: 500, count: 1 })
          const { url, child } = await start()
          const lost = t.rejects(orderAt(url, `dead-${name}`))
          t.ok(await eventually(() => calls() === before + 1))
          child.kill('SIGKILL')
          await lost
          put(seconds)
          const next = await start()
          await pause(LEASE_MS)
          t.ok(await eventually(async () => (await orderAt(next.url, `dead-${name}`)) === 201))
          t.equal(calls(), before + 1)
        }
      )
    }
    t.teardown(() => figure(`4 orders at a jump: ${calls()} sent`))
  })
}
