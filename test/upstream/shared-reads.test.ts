import { getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Errand } from '../../src/caller.ts'
import { isProblem, Problem } from '../../src/problem.ts'
import { Secret } from '../../src/secret.ts'
import type { Action } from '../../src/upstream/action.ts'
import { createOrder, getUsers } from '../../src/upstream/actions/accounts.ts'
import { createBucket, deleteBucket, getBuckets, getBucketsUsage } from '../../src/upstream/actions/buckets.ts'
import { showKey } from '../../src/upstream/actions/keys.ts'
import { listPlans } from '../../src/upstream/actions/plans.ts'
import type { Call } from '../../src/upstream/client.ts'
import { cached } from '../../src/upstream/interceptors/cached.ts'
import { coalesced } from '../../src/upstream/interceptors/coalesced.ts'

interface Who {
  id?: string
  token?: string
  signal?: AbortSignal
  isShareable?: boolean
}

const errandOf = ({ id = 'a', token = 'one', signal = new AbortController().signal, isShareable = true }: Who = {}) => {
  const errand: Errand = {
    caller: {
      door: 'bearer',
      id,
      limitFactor: 1,
      accounts: undefined,
      token: async () => new Secret(token),
      grants: async () => true,
      identity: async () => ({}),
      renewed: async refused => refused
    },
    signal,
    isShareable,
    spent: { ms: 0, calls: 0 }
  }
  return errand
}

/** An upstream that answers when it is told to. */
const upstream = () => {
  const sent: { action: string; params: object; errand: Errand; answer(value: unknown): void; fail(): void }[] = []
  const call = ((action: Action, params: object, errand: Errand) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    errand.spent.ms += 10
    errand.spent.calls += 1
    const fail = () => reject(new Problem('upstream-timeout', 'lost'))
    sent.push({ action: action.name, params, errand, answer: resolve, fail })
    return promise
  }) as Call
  return { sent, call, of: (action: Action) => sent.filter(one => one.action === action.name) }
}

const account = { s3uid: 's3_user_1' }
const heard = (work: Promise<unknown>) => work.catch((error: unknown) => error)

t.test('reads that ask the same at the same time', async t => {
  t.test('are one call, which is asked again when it has ended', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const errands = [errandOf(), errandOf(), errandOf()]
    const reads = errands.map(errand => shared(getBuckets, account, errand))
    await setImmediate()
    t.equal(sent.length, 1)
    sent[0]?.answer('all')
    t.strictSame(await Promise.all(reads), ['all', 'all', 'all'])
    t.strictSame(
      errands.map(({ spent }) => spent.calls),
      [1, 0, 0],
      'counted once'
    )
    void shared(getBuckets, account, errandOf())
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
    t.test(`are calls of their own for other ${what}`, async t => {
      const { sent, call } = upstream()
      const shared = coalesced(call)
      const reads = [
        heard(shared(getBuckets, account, errandOf())),
        heard(shared(action, params, errandOf(who))),
        heard(shared(action, params, errandOf(who)))
      ]
      await setImmediate()
      t.equal(sent.length, 'isShareable' in who ? 3 : 2)
      for (const one of sent) one.answer(one.action)
      await Promise.all(reads)
    })
  }

  t.test('are calls of their own where a credential is read, or something is written', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    for (let n = 0; n < 2; n += 1) {
      void shared(showKey, { s3uid: 's3_user_1', access: 'access_key' } as never, errandOf())
      void shared(deleteBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }, errandOf())
    }
    await setImmediate()
    t.equal(sent.length, 4)
  })

  t.test('fail together, and nothing of it is kept', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const reads = [1, 2].map(() => heard(shared(getUsers, {}, errandOf())))
    await setImmediate()
    sent[0]?.fail()
    for (const error of await Promise.all(reads)) t.ok(isProblem(error, 'upstream-timeout'))
    t.equal(sent.length, 1)
    void shared(getUsers, {}, errandOf())
    await setImmediate()
    t.equal(sent.length, 2)
  })

  for (const leaver of [0, 1]) {
    t.test(`go on for the others when ${leaver === 0 ? 'the first' : 'another'} hangs up`, async t => {
      const { sent, call } = upstream()
      const shared = coalesced(call)
      const callers = [new AbortController(), new AbortController(), new AbortController()]
      const reads = callers.map(({ signal }) => heard(shared(getBuckets, account, errandOf({ signal }))))
      await setImmediate()
      callers[leaver]?.abort()
      t.ok(isProblem(await reads[leaver], 'upstream-timeout'), 'who has gone does not wait')
      t.notOk(sent[0]?.errand.signal.aborted)
      sent[0]?.answer('all')
      t.equal((await Promise.all(reads)).filter(answer => answer === 'all').length, 2)
    })
  }

  t.test('end when all have hung up, and nobody joins that call', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const callers = [new AbortController(), new AbortController()]
    const reads = callers.map(({ signal }) => heard(shared(getBuckets, account, errandOf({ signal }))))
    await setImmediate()
    for (const caller of callers) caller.abort()
    await Promise.all(reads)
    t.ok(sent[0]?.errand.signal.aborted)
    void shared(getBuckets, account, errandOf())
    await setImmediate()
    t.equal(sent.length, 2)
    sent[0]?.fail()
    await setImmediate()
    const joined = shared(getBuckets, account, errandOf())
    await setImmediate()
    t.equal(sent.length, 2, 'the end of the old one does not end the new one')
    sent[1]?.answer('all')
    t.equal(await joined, 'all')
  })

  t.test('end for a caller that has hung up before, and tell how long each has waited', async t => {
    const { sent, call } = upstream()
    const shared = coalesced(call)
    const [first, second] = [errandOf(), errandOf()]
    const reads = [first, second].map(errand => shared(getBuckets, account, errand))
    t.ok(
      isProblem(await heard(shared(getBuckets, account, errandOf({ signal: AbortSignal.abort() }))), 'upstream-timeout')
    )
    await new Promise(resolve => setTimeout(resolve, 20))
    sent[0]?.answer('all')
    t.strictSame(await Promise.all(reads), ['all', 'all'])
    t.equal(first.spent.ms, 10, 'what the call took')
    t.ok(second.spent.ms >= 15 && second.spent.ms < 5000, `${second.spent.ms} ms`)
    t.equal(getEventListeners(first.signal, 'abort').length, 0, 'nothing is left behind')
  })

  t.test('that began before a purchase are not joined after it', async t => {
    const { of, call } = upstream()
    const shared = coalesced(call)
    void shared(getUsers, {}, errandOf())
    const order = shared(createOrder, { plan_id: 2, bucket_name: 'new', location: 'NL' }, errandOf())
    await setImmediate()
    of(createOrder)[0]?.answer({})
    await order
    void shared(getUsers, {}, errandOf())
    await setImmediate()
    t.equal(of(getUsers).length, 2)
  })

  for (const isRefused of [false, true]) {
    t.test(`that began before a write has ${isRefused ? 'failed' : 'ended'} are not joined after it`, async t => {
      const { of, call } = upstream()
      const shared = coalesced(call)
      const early = shared(getBuckets, account, errandOf())
      const write = heard(shared(createBucket, { s3uid: 's3_user_1', bucket_name: 'new' }, errandOf()))
      await setImmediate()
      if (isRefused) of(createBucket)[0]?.fail()
      else of(createBucket)[0]?.answer({})
      await write
      const late = shared(getBuckets, account, errandOf())
      await setImmediate()
      t.equal(of(getBuckets).length, 2)
      of(getBuckets)[0]?.answer('before')
      of(getBuckets)[1]?.answer('after')
      t.strictSame([await early, await late], ['before', 'after'])
    })
  }

  t.test('are not parted by a read of a request that writes', async t => {
    const { of, call } = upstream()
    const shared = coalesced(call)
    const early = shared(getBuckets, account, errandOf())
    await setImmediate()
    const alone = shared(getUsers, {}, errandOf({ isShareable: false }))
    await setImmediate()
    of(getUsers)[0]?.answer('users')
    await alone
    const late = shared(getBuckets, account, errandOf())
    await setImmediate()
    t.equal(of(getBuckets).length, 1)
    of(getBuckets)[0]?.answer('all')
    t.strictSame([await early, await late], ['all', 'all'])
  })
})

/** Plans that are kept, by a clock that is put forward; each call is answered with its number, or fails. */
const shop = () => {
  let time = 1_000_000
  let calls = 0
  let isSick = false
  const errands: Errand[] = []
  const call = (async (_action: Action, _params: object, errand: Errand) => {
    calls += 1
    errands.push(errand)
    if (isSick) throw new Problem('upstream-timeout', 'lost')
    return calls
  }) as unknown as Call
  const kept = cached(call, () => time)
  return {
    errands,
    ask: (who?: Who, action: Action = listPlans) => heard(kept(action, {}, errandOf(who))),
    advance: (ms: number) => {
      time += ms
    },
    sicken: (sick: boolean) => {
      isSick = sick
    },
    calls: () => calls
  }
}

t.test('plans', async t => {
  t.test('are kept for half a minute, ± 10 %, then renewed behind the caller’s back', async t => {
    const { ask, advance, calls, errands } = shop()
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
    t.notOk(errands[1]?.signal.aborted, 'that does not end with the caller')
    t.equal(await ask(), 2)
    t.equal(calls(), 2)
  })

  t.test('are kept for a minute at most, ± 10 %', async t => {
    const soon = shop()
    await soon.ask()
    soon.advance(53_999)
    t.equal(await soon.ask(), 1)
    const late = shop()
    await late.ask()
    late.advance(66_001)
    t.equal(await late.ask(), 2)
  })

  t.test('are not renewed at the same moment for everybody', async t => {
    const { ask, advance, calls } = shop()
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
    const late = shop()
    for (let n = 0; n < 200; n += 1) await late.ask({ id: String(n) })
    late.advance(33_001)
    for (let n = 0; n < 200; n += 1) await late.ask({ id: String(n) })
    await setImmediate()
    t.equal(late.calls(), 400, 'all by 33 s')
  })

  t.test('are not kept when they could not be read, and forgotten when they cannot be renewed', async t => {
    const { ask, advance, sicken, calls } = shop()
    sicken(true)
    t.ok(isProblem(await ask(), 'upstream-timeout'))
    sicken(false)
    t.equal(await ask(), 2)
    advance(40_000)
    sicken(true)
    t.equal(await ask(), 2)
    await setImmediate()
    t.ok(isProblem(await ask(), 'upstream-timeout'))
    sicken(false)
    t.equal(await ask(), calls())
    advance(40_000)
    const before = calls()
    await ask()
    await setImmediate()
    t.equal(calls(), before + 1, 'and can be renewed again')
  })

  t.test('are kept for each caller and token, for requests that only read, and nothing else is', async t => {
    const { ask } = shop()
    t.strictSame(
      [await ask(), await ask({ id: 'b' }), await ask({ token: 'two' }), await ask({ isShareable: false })],
      [1, 2, 3, 4]
    )
    t.strictSame([await ask({}, getUsers), await ask({}, getUsers), await ask()], [5, 6, 1])
  })

  t.test('are kept for a thousand callers; who has not asked for the longest time is forgotten', async t => {
    const { ask } = shop()
    for (let n = 0; n < 1000; n += 1) await ask({ id: String(n) })
    t.equal(await ask({ id: '0' }), 1)
    t.equal(await ask({ id: 'one more' }), 1001)
    t.equal(await ask({ id: '0' }), 1, 'asked a moment ago')
    t.equal(await ask({ id: '1' }), 1002)
  })
})
