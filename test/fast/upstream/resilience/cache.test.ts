import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { RequestContext } from '../../../../src/core/context.ts'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { getUsers } from '../../../../src/upstream/actions/accounts.ts'
import type { Action } from '../../../../src/upstream/actions/action.ts'
import { listPlans } from '../../../../src/upstream/actions/plans.ts'
import type { Call } from '../../../../src/upstream/call.ts'
import { cached } from '../../../../src/upstream/resilience/cache.ts'
import { createReuse } from '../../../../src/upstream/resilience/reuse.ts'
import { contextOf, heard, type Who } from '../../../support/harness/contexts.ts'

/** A cache with a test clock. Each call returns its number, or fails. */
const cacheOf = () => {
  let time = 1_000_000
  let calls = 0
  let isFailing = false
  const contexts: RequestContext[] = []
  const call = (async (_action: Action, _params: object, context: RequestContext) => {
    calls += 1
    contexts.push(context)
    if (isFailing) throw new Problem('upstream-timeout', 'lost')
    return calls
  }) as unknown as Call
  const cachedCall = cached(call, createReuse(), () => time)
  return {
    contexts,
    ask: (who?: Who, action: Action = listPlans) => heard(cachedCall(action, {}, contextOf(who))),
    advance: (ms: number) => {
      time += ms
    },
    fail: (failing: boolean) => {
      isFailing = failing
    },
    calls: () => calls
  }
}

t.test('cached plans', async t => {
  t.test('are fresh for 30 s, ± 10 %, then revalidated in the background', async t => {
    const { ask, advance, calls, contexts } = cacheOf()
    t.equal(await ask(), 1)
    advance(26_999)
    t.equal(await ask(), 1)
    await setImmediate()
    t.equal(calls(), 1)
    advance(6002)
    const gone = AbortSignal.abort()
    t.strictSame(await Promise.all([ask({ signal: gone }), ask()]), [1, 1], 'at once')
    await setImmediate()
    t.equal(calls(), 2, 'by one call')
    t.notOk(contexts[1]?.signal.aborted, 'that is not aborted with the caller')
    t.equal(await ask(), 2)
    t.equal(calls(), 2)
  })

  t.test('expire after 60 s, ± 10 %', async t => {
    const soon = cacheOf()
    await soon.ask()
    soon.advance(53_999)
    t.equal(await soon.ask(), 1)
    const late = cacheOf()
    await late.ask()
    late.advance(66_001)
    t.equal(await late.ask(), 2)
  })

  t.test('are not revalidated at the same time for all callers', async t => {
    const { ask, advance, calls } = cacheOf()
    const all = async () => {
      for (let n = 0; n < 200; n += 1) await ask({ id: String(n) })
      await setImmediate()
      return calls()
    }
    await all()
    advance(26_999)
    t.equal(await all(), 200, 'not before 27 s')
    advance(3001)
    const some = await all()
    t.ok(some > 240 && some < 360, `${some} of 400`)
    const late = cacheOf()
    for (let n = 0; n < 200; n += 1) await late.ask({ id: String(n) })
    late.advance(33_001)
    for (let n = 0; n < 200; n += 1) await late.ask({ id: String(n) })
    await setImmediate()
    t.equal(late.calls(), 400, 'all by 33 s')
  })

  t.test('are not cached after a failure, and dropped when the revalidation fails', async t => {
    const { ask, advance, fail, calls } = cacheOf()
    fail(true)
    t.ok(isProblem(await ask(), 'upstream-timeout'))
    fail(false)
    t.equal(await ask(), 2)
    advance(40_000)
    fail(true)
    t.equal(await ask(), 2)
    await setImmediate()
    t.ok(isProblem(await ask(), 'upstream-timeout'))
    fail(false)
    t.equal(await ask(), calls())
    advance(40_000)
    const before = calls()
    await ask()
    await setImmediate()
    t.equal(calls(), before + 1, 'and are revalidated again')
  })

  t.test('are cached by caller and token, for requests that only read; no other action is cached', async t => {
    const { ask } = cacheOf()
    t.strictSame(
      [await ask(), await ask({ id: 'b' }), await ask({ token: 'two' }), await ask({ isShareable: false })],
      [1, 2, 3, 4]
    )
    t.strictSame([await ask({}, getUsers), await ask({}, getUsers), await ask()], [5, 6, 1])
  })

  t.test('are cached for 1,000 callers; the least recently used entry is dropped', async t => {
    const { ask } = cacheOf()
    for (let n = 0; n < 1000; n += 1) await ask({ id: String(n) })
    t.equal(await ask({ id: '0' }), 1)
    t.equal(await ask({ id: 'one more' }), 1001)
    t.equal(await ask({ id: '0' }), 1, 'used recently')
    t.equal(await ask({ id: '1' }), 1002)
  })
})
