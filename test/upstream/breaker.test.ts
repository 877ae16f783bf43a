import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { isProblem, Problem } from '../../src/problem.ts'
import { createBreaker, Open, type Sign } from '../../src/upstream/breaker.ts'
import { createBreakers } from '../../src/upstream/breakers.ts'
import { classOf } from '../../src/upstream/classes.ts'
import { eventually } from '../support/eventually.ts'
import { fails } from '../support/expect.ts'
import { type Gateway, gateway } from '../support/gateway.ts'

/** The first rest at its longest, with its jitter. */
const FIRST_REST_MS = 1200

/** Puts the process's clock forward, for one test without sockets. */
const clock = (t: Test) => {
  let now = 1_700_000_000_000
  t.intercept(Date, 'now', { value: () => now })
  return (ms: number) => {
    now += ms
  }
}

const watched = () => {
  const turns: boolean[] = []
  const breaker = createBreaker(isOpen => turns.push(isOpen))
  const end = (sign: Sign | 'ok') =>
    breaker
      .run(
        async () => {
          if (sign !== 'ok') throw new Error(sign)
        },
        () => (sign === 'ok' ? 'well' : sign)
      )
      .then(
        () => 'ok',
        error => (error instanceof Open ? 'open' : String(error.message))
      )
  const ends = async (...signs: (Sign | 'ok')[]) => {
    const heard: string[] = []
    for (const sign of signs) heard.push(await end(sign))
    return heard
  }
  return { breaker, turns, ends }
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

/** A call that ends when it is told to. */
const hanging = (breaker: ReturnType<typeof watched>['breaker']) => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const ended = breaker.run(
    () => promise,
    () => 'sick'
  )
  ended.catch(() => undefined)
  return { ended, succeed: () => resolve('ok'), fail: () => reject(new Error('sick')) }
}

t.test('a breaker', async t => {
  t.test('opens at the fifth failure in a row, and not before', async t => {
    clock(t)
    const { breaker, turns, ends } = watched()
    await ends(...times(4, 'sick' as const), 'ok', ...times(4, 'sick' as const), 'well', ...times(4, 'sick' as const))
    t.equal(breaker.restMs, undefined)
    t.strictSame(await ends('sick', 'ok'), ['sick', 'open'])
    t.strictSame(turns, [true])
  })

  t.test('opens when half of twenty calls in ten seconds fail', async t => {
    clock(t)
    const { turns, ends } = watched()
    for (let n = 0; n < 9; n += 1) await ends('ok', 'sick')
    await ends('ok')
    await ends('sick')
    t.strictSame(turns, [true])
    const other = watched()
    for (let n = 0; n < 9; n += 1) await other.ends('ok', 'sick')
    await other.ends('sick')
    t.strictSame(other.turns, [], 'nineteen are too few')
    await other.ends('sick')
    t.strictSame(other.turns, [true])
  })

  t.test('stays closed when fewer than half fail, or fewer than twenty come in ten seconds', async t => {
    const advance = clock(t)
    const busy = watched()
    for (let n = 0; n < 40; n += 1) await busy.ends('ok', 'sick', 'ok')
    t.strictSame(busy.turns, [])
    const idle = watched()
    for (let n = 0; n < 40; n += 1) {
      advance(1100)
      await idle.ends(n % 2 ? 'sick' : 'ok')
    }
    t.strictSame(idle.turns, [])
  })

  t.test('forgets what is longer ago than ten seconds', async t => {
    const advance = clock(t)
    const { turns, ends } = watched()
    for (let n = 0; n < 9; n += 1) await ends('ok', 'sick')
    advance(3_600_000)
    await ends('ok', 'sick', 'ok', 'sick')
    t.strictSame(turns, [])
  })

  t.test('runs nothing while it rests, about a second', async t => {
    const advance = clock(t)
    const { breaker, ends } = watched()
    await ends(...times(5, 'sick' as const))
    const restMs = breaker.restMs ?? 0
    t.ok(restMs >= 800 && restMs <= FIRST_REST_MS, `${restMs} ms`)
    advance(restMs - 1)
    t.strictSame(await ends('ok'), ['open'])
    advance(1)
    t.strictSame(await ends('ok', 'ok'), ['ok', 'ok'])
  })

  t.test('then lets one call probe, sends the others away at once, and closes when it succeeds', async t => {
    const advance = clock(t)
    const { breaker, turns, ends } = watched()
    await ends(...times(5, 'sick' as const))
    advance(FIRST_REST_MS)
    const probe = hanging(breaker)
    t.strictSame(await ends('ok', 'ok'), ['open', 'open'])
    t.strictSame(turns, [true])
    probe.succeed()
    await probe.ended
    t.strictSame(turns, [true, false])
    t.strictSame(await ends(...times(4, 'sick' as const), 'ok'), [...times(4, 'sick'), 'ok'], 'and counts from nought')
  })

  t.test('closes when the probe is refused: HOSTKEY is well', async t => {
    const advance = clock(t)
    const { turns, ends } = watched()
    await ends(...times(5, 'sick' as const))
    advance(FIRST_REST_MS)
    t.strictSame(await ends('well'), ['well'])
    t.strictSame(turns, [true, false])
  })

  t.test('rests twice as long after each probe that fails, to half a minute, and begins anew', async t => {
    const advance = clock(t)
    const { breaker, ends } = watched()
    await ends(...times(5, 'sick' as const))
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      const restMs = breaker.restMs ?? 0
      t.ok(restMs >= seconds * 800 && restMs <= seconds * 1200, `${restMs} ms for ${seconds} s`)
      advance(restMs)
      t.strictSame(await ends('sick', 'ok'), ['sick', 'open'])
    }
    advance(breaker.restMs ?? 0)
    await ends('ok', ...times(5, 'sick' as const))
    t.ok((breaker.restMs ?? 0) <= FIRST_REST_MS)
  })

  t.test('learns nothing from a call that tells nothing', async t => {
    const advance = clock(t)
    const { breaker, turns, ends } = watched()
    await ends(...times(20, 'none' as const))
    t.strictSame(turns, [])
    await ends(...times(3, 'sick' as const), 'none', 'none', 'sick')
    t.strictSame(turns, [], 'nor does it count as a failure')
    await ends('sick')
    t.strictSame(turns, [true], 'nor as a success')
    advance(FIRST_REST_MS)
    t.strictSame(await ends('none'), ['none'])
    t.strictSame(turns, [true], 'a probe neither')
    t.strictSame(await ends('sick', 'ok'), ['sick', 'open'], 'the next call probes')
    const restMs = breaker.restMs ?? 0
    t.ok(restMs >= 1600 && restMs <= 2400, `the second probe that failed is the first that counts: ${restMs} ms`)
    advance(restMs)
    t.strictSame(await ends('none', 'ok', 'ok'), ['none', 'ok', 'ok'])
    t.equal(turns.at(-1), false)
  })

  t.test('learns nothing from calls that began before it opened', async t => {
    const advance = clock(t)
    const { breaker, turns, ends } = watched()
    const stale = times(10, undefined).map(() => hanging(breaker))
    await ends(...times(5, 'sick' as const))
    advance(FIRST_REST_MS)
    await ends('ok')
    t.strictSame(turns, [true, false])
    for (const call of stale) call.fail()
    await Promise.allSettled(stale.map(({ ended }) => ended))
    await ends(...times(4, 'sick' as const))
    t.strictSame(turns, [true, false])
  })

  t.test('that is held closes when it is let go and has rested', async t => {
    const advance = clock(t)
    const { breaker, turns, ends } = watched()
    await ends(...times(5, 'sick' as const))
    const release = breaker.hold()
    t.notOk(release())
    advance(60_000)
    t.strictSame(await ends('ok'), ['open'])
    t.ok(release())
    t.strictSame(turns, [true, false])
    t.strictSame(await ends(...times(4, 'sick' as const), 'ok'), [...times(4, 'sick'), 'ok'])
  })
})

t.test('the breakers of all classes', async t => {
  const never = new AbortController().signal
  const timeout = () => Promise.reject(new Problem('upstream-timeout', 'HOSTKEY did not answer in time.'))
  const refusal = () => Promise.reject(new Problem('account-not-found', 'no'))
  const answer = async () => 'ok'
  const opened = () => {
    const turns: string[] = []
    const breakers = createBreakers((name, isOpen) => turns.push(`${name} ${isOpen ? 'opens' : 'closes'}`))
    const run = (name: keyof typeof classOf, work: () => Promise<string>, caller = never) =>
      breakers.run(classOf[name], work, caller).catch((error: unknown) => error)
    return { turns, run }
  }

  for (const name of ['read', 'queue', 'write', 'buy', 'login'] as const) {
    t.test(`${name} has its own`, async t => {
      clock(t)
      const { turns, run } = opened()
      for (let n = 0; n < 5; n += 1) await run(name, timeout)
      t.strictSame(turns, [`${name} opens`])
      const refused = await run(name, answer)
      t.ok(isProblem(refused, 'upstream-unavailable'))
      if (!isProblem(refused)) return
      t.equal(refused.options.outcome, classOf[name].isWrite ? 'not-applied' : undefined)
      t.ok((refused.options.retryAfterSeconds ?? 0) >= 1)
      for (const other of ['queue', 'login', 'buy', 'write', 'read'] as const) {
        if (other !== name) t.equal(await run(other, answer), 'ok', other)
      }
    })
  }

  t.test('it says for how long it will be open: longer after each probe that fails', async t => {
    const advance = clock(t)
    const { run } = opened()
    for (let n = 0; n < 5; n += 1) await run('read', timeout)
    for (const [restMs, least, most] of [
      [FIRST_REST_MS, 1, 2],
      [2 * FIRST_REST_MS, 2, 3],
      [4 * FIRST_REST_MS, 4, 5]
    ] as const) {
      const refused = await run('read', answer)
      const seconds = isProblem(refused) ? (refused.options.retryAfterSeconds ?? 0) : 0
      t.ok(seconds >= least && seconds <= most, `${seconds} s`)
      advance(restMs)
      t.ok(isProblem(await run('read', timeout), 'upstream-timeout'))
    }
  })

  for (const name of ['write', 'buy'] as const) {
    t.test(`${name} closes after three answers to reads, and is never probed by a ${name}`, async t => {
      const advance = clock(t)
      const { turns, run } = opened()
      for (let n = 0; n < 5; n += 1) await run(name, timeout)
      for (let n = 0; n < 3; n += 1) await run('read', answer)
      t.strictSame(turns, [`${name} opens`], 'it rests a second all the same')
      advance(3_600_000)
      t.ok(isProblem(await run(name, answer), 'upstream-unavailable'))
      await run('queue', answer)
      await run('login', answer)
      await run('read', timeout)
      t.strictSame(turns, [`${name} opens`])
      await run('read', answer)
      t.strictSame(turns, [`${name} opens`, `${name} closes`])
      t.equal(await run(name, answer), 'ok')
    })
  }

  t.test('a write’s closes after three answers, and two are not enough; a refusal is one', async t => {
    const advance = clock(t)
    const { turns, run } = opened()
    for (let n = 0; n < 5; n += 1) await run('write', timeout)
    advance(FIRST_REST_MS)
    await run('read', refusal)
    await run('read', answer)
    t.strictSame(turns, ['write opens'])
    await run('read', refusal)
    t.strictSame(turns, ['write opens', 'write closes'])

    // Reads that come later do not mend what fails then.
    for (let n = 0; n < 4; n += 1) await run('write', timeout)
    for (let n = 0; n < 3; n += 1) await run('read', answer)
    await run('write', timeout)
    t.equal(turns.at(-1), 'write opens')
  })

  t.test('a read whose caller has hung up counts for nothing, a write counts', async t => {
    clock(t)
    const { turns, run } = opened()
    for (let n = 0; n < 10; n += 1) await run('read', timeout, AbortSignal.abort())
    t.strictSame(turns, [])
    for (let n = 0; n < 5; n += 1) await run('write', timeout, AbortSignal.abort())
    t.strictSame(turns, ['write opens'])
  })

  for (const problem of ['upstream-unreachable', 'upstream-timeout', 'upstream-bad-response'] as const) {
    t.test(`${problem} is a failure of HOSTKEY’s`, async t => {
      clock(t)
      const { turns, run } = opened()
      for (let n = 0; n < 5; n += 1) await run('read', () => Promise.reject(new Problem(problem, 'no')))
      t.strictSame(turns, ['read opens'])
    })
  }

  t.test('an error of our own says nothing of HOSTKEY', async t => {
    const advance = clock(t)
    const { turns, run } = opened()
    for (let n = 0; n < 5; n += 1) await run('read', timeout)
    advance(FIRST_REST_MS)
    await run('read', () => Promise.reject(new TypeError('ours')))
    t.strictSame(turns, ['read opens'])
  })
})

/** Asks until something other than a refusal of ours comes. */
const untilWell = (ask: () => Promise<{ statusCode: number }>) =>
  eventually(async () => (await ask()).statusCode !== 503)

const restOf = async ({ managementUrl }: Gateway, name: string) =>
  new RegExp(`gateway_upstream_resting\\{class="${name}"\\} (\\d)`).exec(
    await (await fetch(`${managementUrl}/metrics`)).text()
  )?.[1]

t.test(
  '503 upstream-unavailable while HOSTKEY keeps failing, without asking it; 200 when it is well again',
  async t => {
    const g = await gateway(t)
    const { get, lines, sandbox } = g
    const { control } = sandbox
    control.fault({ kind: 'empty-500', action: 'get_users' })
    for (let n = 0; n < 5; n += 1) fails(t, await get('/accounts'), 502, 'upstream-bad-response')
    control.clearCalls()
    const reply = await get('/accounts')
    fails(t, reply, 503, 'upstream-unavailable', { retryable: true })
    t.match(reply.headers['retry-after'], /^[12]$/)
    t.notOk('outcome' in reply.json())
    fails(t, await get('/plans'), 503, 'upstream-unavailable')
    t.strictSame(control.counters(), {})
    t.equal((await get('/accounts/s3_user_1/usage')).statusCode, 200, 'another class')
    t.ok(lines.some(line => line.includes('"class":"read"') && line.includes('"level":"warn"')))
    t.equal(await restOf(g, 'read'), '1')
    control.clearFaults()
    t.ok(await untilWell(() => get('/accounts')))
    t.equal((await get('/accounts')).statusCode, 200)
    t.ok(lines.some(line => line.includes('"class":"read"') && line.includes('"level":"info"')))
    t.equal(await restOf(g, 'read'), '0')
  }
)

t.test('refusals never open it', async t => {
  const { get, sandbox } = await gateway(t)
  const { control } = sandbox
  for (const kind of ['refusal', 'auth-failure', 'bare-error', 'throttled'] as const) {
    control.fault({ kind, action: 'get_users', count: 10 })
    for (let n = 0; n < 10; n += 1) t.ok((await get('/accounts')).statusCode >= 400)
  }
  t.equal(control.counters()['get_users'], 40)
  t.equal((await get('/accounts')).statusCode, 200)
})

t.test('callers that hang up never open it', async t => {
  const { url, get, sandbox } = await gateway(t)
  const { control } = sandbox
  control.fault({ kind: 'hang', action: 'get_users', count: 10 })
  for (let n = 1; n <= 10; n += 1) {
    const call = request(`${url}/accounts`, { headers: { authorization: `Bearer ${sandbox.demo.token}` } })
    call.on('error', () => undefined)
    call.end()
    t.ok(await eventually(() => control.counters()['get_users'] === n))
    call.destroy()
  }
  t.equal((await get('/accounts')).statusCode, 200)
})

t.test('writes', async t => {
  const g = await gateway(t)
  const { del, sandbox } = g
  const { control } = sandbox
  const remove = () => del('/accounts/s3_user_1/buckets/empty-bucket')
  control.fault({ kind: 'empty-500', action: 'delete_bucket' })
  for (let n = 0; n < 5; n += 1) fails(t, await remove(), 502, 'upstream-bad-response', { outcome: 'not-applied' })
  control.clearCalls()

  t.test('503 upstream-unavailable, not applied, and no write is sent; one read is sent beside', async t => {
    control.fault({ kind: 'latency', action: 'list_plans', ms: 200 })
    for (const reply of await Promise.all([remove(), remove(), remove()])) {
      fails(t, reply, 503, 'upstream-unavailable', { outcome: 'not-applied', retryable: true })
      t.match(reply.headers['retry-after'], /^[1-9]\d*$/)
    }
    t.ok(await eventually(() => control.counters()['list_plans'] === 1))
    await pause(100)
    t.strictSame(control.counters(), { list_plans: 1 })
    t.equal(await restOf(g, 'write'), '1')
  })

  t.test('204 when the reads beside them have been answered', async t => {
    control.clearFaults()
    t.ok(
      await untilWell(async () => {
        await pause(50)
        return remove()
      })
    )
    t.equal(control.counters()['delete_bucket'], 1)
    t.equal(await restOf(g, 'write'), '0')
  })
})
