import t from 'tap'
import { createBreaker, Open, type Sign } from '../../../../src/upstream/resilience/circuit-breaker.ts'
import { clock } from '../../../support/harness/clock.ts'

/** The first rest at its longest, with its jitter. */
const FIRST_REST_MS = 1200

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

  t.test('counts from nought when it has closed, also what it samples', async t => {
    const advance = clock(t)
    const half = (breaker: ReturnType<typeof watched>) => breaker.ends(...times(10, ['ok', 'sick'] as const).flat())
    const probed = watched()
    await half(probed)
    t.strictSame(probed.turns, [true])
    advance(FIRST_REST_MS)
    await probed.ends('ok', ...times(4, 'sick' as const))
    t.strictSame(probed.turns, [true, false], 'closed by a probe')
    const held = watched()
    await half(held)
    const release = held.breaker.hold()
    advance(FIRST_REST_MS)
    t.ok(release())
    await held.ends('ok', ...times(4, 'sick' as const))
    t.strictSame(held.turns, [true, false], 'let go')
  })

  t.test('rests no longer, nor shorter, when the clock of the machine is set', async t => {
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      const advance = clock(t)
      const { breaker, ends } = watched()
      await ends(...times(5, 'sick' as const))
      const now = Date.now()
      t.intercept(Date, 'now', { value: () => now + jumpMs })
      t.ok((breaker.restMs ?? 0) <= FIRST_REST_MS)
      t.strictSame(await ends('ok'), ['open'])
      advance(FIRST_REST_MS)
      t.strictSame(await ends('sick', 'ok'), ['sick', 'open'], 'a probe')
      advance(2 * FIRST_REST_MS)
      t.strictSame(await ends('none', 'ok'), ['none', 'ok'], 'and one that tells nothing')
    }
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
