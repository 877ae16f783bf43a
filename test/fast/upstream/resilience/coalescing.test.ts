import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { RequestContext } from '../../../../src/core/context.ts'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { createOrder, getUsers } from '../../../../src/upstream/actions/accounts.ts'
import type { Action } from '../../../../src/upstream/actions/action.ts'
import { createBucket, deleteBucket, getBuckets, getBucketsUsage } from '../../../../src/upstream/actions/buckets.ts'
import { showKey } from '../../../../src/upstream/actions/keys.ts'
import type { Call } from '../../../../src/upstream/call.ts'
import { coalesced } from '../../../../src/upstream/resilience/coalescing.ts'
import { contextOf, heard } from '../../../support/harness/contexts.ts'

/** An upstream that answers on command. */
const upstream = () => {
  const sent: {
    action: string
    params: object
    context: RequestContext
    answer(value: unknown): void
    fail(): void
  }[] = []
  const call = ((action: Action, params: object, context: RequestContext) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    context.upstream.ms += 10
    context.upstream.calls += 1
    const fail = () => reject(new Problem('upstream-timeout', 'lost'))
    sent.push({ action: action.name, params, context, answer: resolve, fail })
    return promise
  }) as Call
  return { sent, call, of: (action: Action) => sent.filter(one => one.action === action.name) }
}

const account = { s3uid: 's3_user_1' }

t.test('identical reads in flight', async t => {
  t.test('are one call; a read after its end is a new call', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const contexts = [contextOf(), contextOf(), contextOf()]
    const reads = contexts.map(context => shared(getBuckets, account, context))
    await setImmediate()
    t.equal(sent.length, 1)
    sent[0]?.answer('all')
    t.strictSame(await Promise.all(reads), ['all', 'all', 'all'])
    t.strictSame(
      contexts.map(({ upstream }) => upstream.calls),
      [1, 0, 0],
      'counted once'
    )
    void shared(getBuckets, account, contextOf())
    await setImmediate()
    t.equal(sent.length, 2)
  })

  for (const [what, action, params, who] of [
    ['callers', getBuckets, account, { id: 'b' }],
    ['tokens', getBuckets, account, { token: 'two' }],
    ['params', getBuckets, { s3uid: 's3_user_2' }, {}],
    ['actions', getBucketsUsage, account, {}],
    ['requests that write', getBuckets, account, { isShareable: false }]
  ] as const) {
    t.test(`are separate calls for different ${what}`, async t => {
      const { sent, call } = upstream()
      const shared = coalesced(call)
      const reads = [
        heard(shared(getBuckets, account, contextOf())),
        heard(shared(action, params, contextOf(who))),
        heard(shared(action, params, contextOf(who)))
      ]
      await setImmediate()
      t.equal(sent.length, 'isShareable' in who ? 3 : 2)
      for (const one of sent) one.answer(one.action)
      await Promise.all(reads)
    })
  }

  t.test('are separate calls when they read a credential or write', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    for (let n = 0; n < 2; n += 1) {
      void shared(showKey, { s3uid: 's3_user_1', access: 'access_key' } as never, contextOf())
      void shared(deleteBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }, contextOf())
    }
    await setImmediate()
    t.equal(sent.length, 4)
  })

  t.test('fail together; a failure is not cached', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const reads = [1, 2].map(() => heard(shared(getUsers, {}, contextOf())))
    await setImmediate()
    sent[0]?.fail()
    for (const error of await Promise.all(reads)) t.ok(isProblem(error, 'upstream-timeout'))
    t.equal(sent.length, 1)
    void shared(getUsers, {}, contextOf())
    await setImmediate()
    t.equal(sent.length, 2)
  })

  for (const leaver of [0, 1]) {
    t.test(`continue for the others when ${leaver === 0 ? 'the first' : 'another'} disconnects`, async t => {
      const { sent, call } = upstream()
      const shared = coalesced(call)
      const callers = [new AbortController(), new AbortController(), new AbortController()]
      const reads = callers.map(({ signal }) => heard(shared(getBuckets, account, contextOf({ signal }))))
      await setImmediate()
      callers[leaver]?.abort()
      t.ok(isProblem(await reads[leaver], 'upstream-timeout'), 'an aborted request does not wait')
      t.notOk(sent[0]?.context.signal.aborted)
      sent[0]?.answer('all')
      t.equal((await Promise.all(reads)).filter(answer => answer === 'all').length, 2)
    })
  }

  t.test('are aborted when all have disconnected; no new read joins the call', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const callers = [new AbortController(), new AbortController()]
    const reads = callers.map(({ signal }) => heard(shared(getBuckets, account, contextOf({ signal }))))
    await setImmediate()
    for (const caller of callers) caller.abort()
    await Promise.all(reads)
    t.ok(sent[0]?.context.signal.aborted)
    void shared(getBuckets, account, contextOf())
    await setImmediate()
    t.equal(sent.length, 2)
    sent[0]?.fail()
    await setImmediate()
    const joined = shared(getBuckets, account, contextOf())
    await setImmediate()
    t.equal(sent.length, 2, 'the end of the old call does not remove the new one')
    sent[1]?.answer('all')
    t.equal(await joined, 'all')
  })

  t.test('end at once for an aborted request; each of the others reports its own waiting time', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const staying = new AbortController()
    const [first, second] = [contextOf({ signal: staying.signal }), contextOf()]
    const reads = [first, second].map(context => shared(getBuckets, account, context))
    t.ok(
      isProblem(
        await heard(shared(getBuckets, account, contextOf({ signal: AbortSignal.abort() }))),
        'upstream-timeout'
      )
    )
    await new Promise(resolve => setTimeout(resolve, 20))
    sent[0]?.answer('all')
    t.strictSame(await Promise.all(reads), ['all', 'all'])
    t.equal(first.upstream.ms, 10, 'the duration of the call')
    t.ok(second.upstream.ms >= 15 && second.upstream.ms < 5000, `${second.upstream.ms} ms`)
    t.equal(getEventListeners(staying.signal, 'abort').length, 0, 'no listener is left')
  })

  t.test('that began before an order are not joined after it', async t => {
    const { of, call } = upstream()
    const shared = coalesced(call)
    void shared(getUsers, {}, contextOf())
    const order = shared(createOrder, { plan_id: 2, bucket_name: 'new', location: 'NL' }, contextOf())
    await setImmediate()
    of(createOrder)[0]?.answer({})
    await order
    void shared(getUsers, {}, contextOf())
    await setImmediate()
    t.equal(of(getUsers).length, 2)
  })

  for (const isRefused of [false, true]) {
    t.test(`that began before a write has ${isRefused ? 'failed' : 'ended'} are not joined after it`, async t => {
      const { of, call } = upstream()
      const shared = coalesced(call)
      const early = shared(getBuckets, account, contextOf())
      const write = heard(shared(createBucket, { s3uid: 's3_user_1', bucket_name: 'new' }, contextOf()))
      await setImmediate()
      if (isRefused) of(createBucket)[0]?.fail()
      else of(createBucket)[0]?.answer({})
      await write
      const late = shared(getBuckets, account, contextOf())
      await setImmediate()
      t.equal(of(getBuckets).length, 2)
      of(getBuckets)[0]?.answer('before')
      of(getBuckets)[1]?.answer('after')
      t.strictSame([await early, await late], ['before', 'after'])
    })
  }

  t.test('are still joined after a read of a request that writes', async t => {
    const { of, call } = upstream()
    const shared = coalesced(call)
    const early = shared(getBuckets, account, contextOf())
    await setImmediate()
    const alone = shared(getUsers, {}, contextOf({ isShareable: false }))
    await setImmediate()
    of(getUsers)[0]?.answer('users')
    await alone
    const late = shared(getBuckets, account, contextOf())
    await setImmediate()
    t.equal(of(getBuckets).length, 1)
    of(getBuckets)[0]?.answer('all')
    t.strictSame([await early, await late], ['all', 'all'])
  })
})
