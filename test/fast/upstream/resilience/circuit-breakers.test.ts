import t from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { classOf } from '../../../../src/upstream/resilience/call-classes.ts'
import { createBreakers } from '../../../../src/upstream/resilience/circuit-breakers.ts'
import { clock } from '../../../support/harness/clock.ts'

/** The first rest at its longest, with its jitter. */
const FIRST_REST_MS = 1200

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

  for (const name of ['read', 'async-read', 'write', 'provision', 'login'] as const) {
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
      for (const other of ['async-read', 'login', 'provision', 'write', 'read'] as const) {
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

  for (const name of ['write', 'provision'] as const) {
    t.test(`${name} closes after three answers to reads, and is never probed by a ${name}`, async t => {
      const advance = clock(t)
      const { turns, run } = opened()
      for (let n = 0; n < 5; n += 1) await run(name, timeout)
      for (let n = 0; n < 3; n += 1) await run('read', answer)
      t.strictSame(turns, [`${name} opens`], 'it rests a second all the same')
      advance(3_600_000)
      t.ok(isProblem(await run(name, answer), 'upstream-unavailable'))
      await run('async-read', answer)
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
