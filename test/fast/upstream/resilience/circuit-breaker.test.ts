import t from 'tap'
import {
  type CallResult,
  type CircuitBreaker,
  CircuitOpen,
  createCircuitBreaker
} from '../../../../src/upstream/resilience/circuit-breaker.ts'
import { clock } from '../../../support/harness/clock.ts'

/** The first open time with its longest jitter. */
const LONGEST_OPEN_MS = 1200

const CALLER = 'customer:1'

/** Sends one call, as the interceptor does. */
const run = async (
  breaker: CircuitBreaker,
  send: () => Promise<string>,
  resultOf: () => CallResult,
  caller = CALLER
): Promise<string> => {
  const begunIn = breaker.enter(caller, caller)
  try {
    const value = await send()
    breaker.record(begunIn, { caller, id: caller }, 'success')
    return value
  } catch (error) {
    breaker.record(begunIn, { caller, id: caller }, resultOf())
    throw error
  }
}

const watched = ({ isProbedByReads = false } = {}) => {
  const changes: boolean[] = []
  const breaker = createCircuitBreaker({ isProbedByReads, onStateChange: isOpen => changes.push(isOpen) })
  /** Sends calls one after the other, each with its result. @returns what the caller gets: `open` when it was not sent */
  const callsOf = async (caller: string, ...results: (CallResult | 'refusal')[]) => {
    const replies: string[] = []
    for (const result of results) {
      const send = async () => {
        if (result !== 'success') throw new Error(result)
        return result
      }
      const isFailure = result === 'failure' || result === 'inconclusive'
      const reply = run(breaker, send, () => (isFailure ? result : 'success'), caller)
      replies.push(await reply.catch(error => (error instanceof CircuitOpen ? 'open' : error.message)))
    }
    return replies
  }
  const calls = (...results: (CallResult | 'refusal')[]) => callsOf(CALLER, ...results)
  const retryAfterMs = async () => {
    const error = await run(
      breaker,
      async () => 'success',
      () => 'success'
    ).catch((error: unknown) => error)
    return error instanceof CircuitOpen ? error.retryAfterMs : undefined
  }
  return { breaker, changes, calls, callsOf, retryAfterMs }
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)
const failures = (count: number) => times(count, 'failure' as const)

/** A call that ends on command. */
const pending = ({ breaker }: ReturnType<typeof watched>) => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const ended = run(
    breaker,
    () => promise,
    () => 'failure'
  ).catch(() => 'failure')
  return { ended, succeed: () => resolve('success'), fail: () => reject(new Error('failure')) }
}

t.test('closed', async t => {
  t.test('opens at the fifth failure in a row; a success or a refusal in between starts the count anew', async t => {
    clock(t)
    const { changes, calls } = watched()
    await calls(...failures(4), 'success', ...failures(4), 'refusal', ...failures(4))
    t.strictSame(changes, [])
    t.strictSame(await calls('failure', 'success'), ['failure', 'open'])
    t.strictSame(changes, [true])
  })

  t.test('opens when half of twenty calls in ten seconds fail', async t => {
    clock(t)
    const { changes, calls } = watched()
    await calls(...times(9, ['success', 'failure'] as const).flat(), 'failure')
    t.strictSame(changes, [], 'nineteen calls are too few')
    await calls('failure')
    t.strictSame(changes, [true])
    const half = watched()
    await half.calls(...times(10, ['success', 'failure'] as const).flat())
    t.strictSame(half.changes, [true], 'exactly half')
    const fewer = watched()
    await fewer.calls(...times(40, ['success', 'failure', 'success'] as const).flat())
    t.strictSame(fewer.changes, [], 'a third is too few')
  })

  t.test('forgets calls after ten seconds', async t => {
    const advance = clock(t)
    const burst = watched()
    await burst.calls(...times(9, ['success', 'failure'] as const).flat())
    advance(10_000)
    await burst.calls('success', 'failure', 'success', 'failure')
    t.strictSame(burst.changes, [])
    const slow = watched()
    for (let n = 0; n < 40; n += 1) {
      advance(1100)
      await slow.calls(n % 2 ? 'failure' : 'success')
    }
    t.strictSame(slow.changes, [], 'twenty calls, but not in ten seconds')
  })

  t.test('counts an inconclusive call neither as a failure nor as a success', async t => {
    clock(t)
    const { changes, calls } = watched()
    await calls(...times(20, 'inconclusive' as const), ...failures(3), 'inconclusive', 'failure')
    t.strictSame(changes, [])
    await calls('failure')
    t.strictSame(changes, [true])
  })

  t.test('ignores calls that began before the circuit last opened', async t => {
    const advance = clock(t)
    const circuit = watched()
    const old = times(10, undefined).map(() => pending(circuit))
    await circuit.calls(...failures(5))
    advance(LONGEST_OPEN_MS)
    await circuit.calls('success')
    t.strictSame(circuit.changes, [true, false])
    for (const call of old) call.fail()
    await Promise.all(old.map(({ ended }) => ended))
    await circuit.calls(...failures(4))
    t.strictSame(circuit.changes, [true, false])
  })
})

t.test('open', async t => {
  t.test('sends nothing for about a second', async t => {
    const advance = clock(t)
    const { calls, retryAfterMs } = watched()
    await calls(...failures(5))
    const openMs = (await retryAfterMs()) ?? 0
    t.ok(openMs >= 800 && openMs <= LONGEST_OPEN_MS, `${openMs} ms`)
    advance(openMs - 1)
    t.strictSame(await calls('success'), ['open'])
    advance(1)
    t.strictSame(await calls('success', 'success'), ['success', 'success'])
  })

  t.test('stays open no longer and no shorter when the machine’s clock is set', async t => {
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      const advance = clock(t)
      const { calls, retryAfterMs } = watched()
      await calls(...failures(5))
      const now = Date.now()
      t.intercept(Date, 'now', { value: () => now + jumpMs })
      t.ok(((await retryAfterMs()) ?? Number.NaN) <= LONGEST_OPEN_MS)
      advance(LONGEST_OPEN_MS)
      t.strictSame(await calls('failure', 'success'), ['failure', 'open'], 'a failed probe')
      advance(2 * LONGEST_OPEN_MS)
      t.strictSame(await calls('inconclusive', 'success'), ['inconclusive', 'success'], 'an inconclusive probe')
    }
  })
})

t.test('half-open', async t => {
  for (const probeResult of ['success', 'refusal'] as const) {
    t.test(`closes after a probe that ends in a ${probeResult}, and counts from zero`, async t => {
      const advance = clock(t)
      const { changes, calls } = watched()
      await calls(...times(10, ['success', 'failure'] as const).flat())
      advance(LONGEST_OPEN_MS)
      t.strictSame(await calls(probeResult), [probeResult])
      t.strictSame(changes, [true, false])
      await calls(...failures(4))
      t.strictSame(changes, [true, false])
    })
  }

  t.test('sends one probe at a time; other calls do not wait for it', async t => {
    const advance = clock(t)
    const circuit = watched()
    await circuit.calls(...failures(5))
    advance(LONGEST_OPEN_MS)
    const probe = pending(circuit)
    t.strictSame(await circuit.calls('success', 'success'), ['open', 'open'])
    t.equal(await circuit.retryAfterMs(), 1000)
    t.strictSame(circuit.changes, [true])
    probe.succeed()
    await probe.ended
    t.strictSame(circuit.changes, [true, false])
  })

  t.test(
    'stays open twice as long after each failed probe, up to 30 s; a closed circuit starts with 1 s again',
    async t => {
      const advance = clock(t)
      const { calls, changes, retryAfterMs } = watched()
      await calls(...failures(5))
      for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
        const openMs = (await retryAfterMs()) ?? 0
        t.ok(openMs >= seconds * 800 && openMs <= seconds * 1200, `${openMs} ms for ${seconds} s`)
        advance(openMs)
        t.strictSame(await calls('failure', 'success'), ['failure', 'open'])
      }
      t.strictSame(changes, times(8, true), 'each failed probe is reported')
      advance((await retryAfterMs()) ?? 0)
      await calls('success', ...failures(5))
      t.ok(((await retryAfterMs()) ?? Number.NaN) <= LONGEST_OPEN_MS)
    }
  )

  t.test('lets the next call probe after an inconclusive probe', async t => {
    const advance = clock(t)
    const { changes, calls, retryAfterMs } = watched()
    await calls(...failures(5))
    advance(LONGEST_OPEN_MS)
    t.strictSame(await calls('inconclusive', 'failure', 'success'), ['inconclusive', 'failure', 'open'])
    t.strictSame(changes, [true, true])
    const openMs = (await retryAfterMs()) ?? 0
    t.ok(openMs >= 1600 && openMs <= 2400, `only the failed probe doubles the time: ${openMs} ms`)
    advance(openMs)
    t.strictSame(await calls('inconclusive', 'success', 'success'), ['inconclusive', 'success', 'success'])
    t.equal(changes.at(-1), false)
  })
})

t.test('probed by reads', async t => {
  t.test('never sends a call of its own as a probe', async t => {
    const advance = clock(t)
    const { calls, changes, retryAfterMs } = watched({ isProbedByReads: true })
    await calls(...failures(5))
    advance(3_600_000)
    t.strictSame(await calls('success'), ['open'])
    t.equal(await retryAfterMs(), 1000)
    t.strictSame(changes, [true])
  })

  t.test('closes after three answered reads once its open time has passed, and counts from zero', async t => {
    const advance = clock(t)
    const { breaker, calls, changes } = watched({ isProbedByReads: true })
    breaker.readAnswered()
    breaker.readAnswered()
    await calls(...failures(5))
    breaker.readAnswered()
    advance(LONGEST_OPEN_MS)
    breaker.readAnswered()
    t.strictSame(changes, [true], 'two are not enough; those before it opened do not count')
    breaker.readAnswered()
    t.strictSame(changes, [true, false])
    t.strictSame(await calls(...failures(4), 'success'), [...failures(4), 'success'])

    await calls(...failures(5))
    for (let n = 0; n < 5; n += 1) breaker.readAnswered()
    t.equal(changes.at(-1), true, 'not before its open time has passed')
  })

  t.test('a circuit that its own calls probe ignores answered reads', async t => {
    const advance = clock(t)
    const { breaker, calls, changes } = watched()
    await calls(...failures(5))
    advance(LONGEST_OPEN_MS)
    for (let n = 0; n < 5; n += 1) breaker.readAnswered()
    t.strictSame(changes, [true])
  })
})
