import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { ProblemName } from '../../../../schemas/problems.ts'
import type { RequestContext } from '../../../../src/core/context.ts'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { createOrder } from '../../../../src/upstream/actions/accounts.ts'
import { type Action, isWrite } from '../../../../src/upstream/actions/action.ts'
import { deleteBucket, getBuckets, getBucketsUsage } from '../../../../src/upstream/actions/buckets.ts'
import { showKey } from '../../../../src/upstream/actions/keys.ts'
import { login } from '../../../../src/upstream/actions/sessions.ts'
import type { Call } from '../../../../src/upstream/call.ts'
import type { Stage } from '../../../../src/upstream/protocol/failure-stage.ts'
import { classOf } from '../../../../src/upstream/resilience/call-classes.ts'
import { withCircuitBreaker } from '../../../../src/upstream/resilience/circuit-breakers.ts'
import { clock } from '../../../support/harness/clock.ts'
import { contextOf, heard } from '../../../support/harness/contexts.ts'

/** The first open time with its longest jitter. */
const LONGEST_OPEN_MS = 1200

const actions: Action[] = [getBuckets, getBucketsUsage, deleteBucket, createOrder, login]
const nameOf = (action: Action) => classOf[action.effect].name

const never = new AbortController().signal
const answer = async () => 'answer'
const failWith = (error: Error) => () => Promise.reject(error)
const failure = (name: ProblemName, code: string, stage: Stage) => new Problem(name, 'x', { cause: { code, stage } })
const timeout = failWith(failure('upstream-timeout', 'TimeoutError', 'ambiguous'))
const refusal = failWith(new Problem('account-not-found', 'refused'))

const watched = () => {
  const changes: string[] = []
  // The read that probes for writes ends never.
  const call = (async (
    _action: Action,
    { send = () => new Promise(() => undefined) }: { send?: () => Promise<unknown> }
  ) => send()) as unknown as Call
  const guarded = withCircuitBreaker(call, (name, isOpen) => changes.push(`${name} ${isOpen ? 'open' : 'closed'}`))
  const run = (action: Action, send: () => Promise<string>, { id = 'a', signal = never, s3uid = 's3_user_1' } = {}) =>
    heard(guarded(action, { send, s3uid } as never, contextOf({ id, signal })))
  const trip = async (action: Action) => {
    for (let n = 0; n < 5; n += 1) await run(action, timeout)
  }
  return { changes, run, trip }
}

for (const action of actions) {
  t.test(`the circuit of class ${nameOf(action)} opens alone: 503 upstream-unavailable`, async t => {
    clock(t)
    const { changes, run, trip } = watched()
    await trip(action)
    t.strictSame(changes, [`${nameOf(action)} open`])
    const refused = await run(action, answer)
    t.match(refused, { problem: 'upstream-unavailable' })
    t.equal(refused instanceof Problem && refused.options.outcome, isWrite(action) ? 'not-applied' : undefined)
    // The read last: it counts for an open circuit of writes.
    for (const other of actions.toReversed()) if (other !== action) t.equal(await run(other, answer), 'answer')
  })
}

t.test('reads of credentials share the circuit of the other reads', async t => {
  clock(t)
  const { run, trip } = watched()
  await trip(showKey)
  t.ok(isProblem(await run(getBuckets, answer), 'upstream-unavailable'))
})

t.test('Retry-After is the time that is left, in whole seconds', async t => {
  const advance = clock(t)
  const { run, trip } = watched()
  await trip(getBuckets)
  for (const [longestMs, least, most] of [
    [LONGEST_OPEN_MS, 1, 2],
    [2 * LONGEST_OPEN_MS, 2, 3],
    [4 * LONGEST_OPEN_MS, 4, 5]
  ] as const) {
    const refused = await run(getBuckets, answer)
    const seconds = isProblem(refused) ? (refused.options.retryAfterSeconds ?? 0) : 0
    t.ok(Number.isInteger(seconds) && seconds >= least && seconds <= most, `${seconds} s`)
    advance(longestMs)
    t.ok(isProblem(await run(getBuckets, timeout), 'upstream-timeout'), 'a failed probe')
  }
})

for (const action of [deleteBucket, createOrder]) {
  t.test(`the circuit of class ${nameOf(action)} closes after three answered reads, refusals included`, async t => {
    const advance = clock(t)
    const { changes, run, trip } = watched()
    const opened = `${nameOf(action)} open`
    await trip(action)
    advance(LONGEST_OPEN_MS)
    await run(getBuckets, answer)
    await run(getBuckets, refusal)
    await run(getBuckets, timeout)
    for (const other of actions) if (other !== getBuckets) await run(other, answer)
    t.strictSame(changes, [opened], 'neither a failed read nor a call of another class counts')
    await run(getBuckets, refusal)
    t.strictSame(changes, [opened, `${nameOf(action)} closed`])
    t.equal(await run(action, answer), 'answer')
  })
}

t.test('what counts as a failure', async t => {
  const opens = async (t: Test, action: Action, error: Error, signal = never) => {
    clock(t)
    const { changes, run } = watched()
    for (let n = 0; n < 5; n += 1) await run(action, failWith(error), { signal })
    return changes.length > 0
  }

  for (const [name, code, stage] of [
    ['upstream-unreachable', 'ECONNREFUSED', 'not-sent'],
    ['upstream-timeout', 'UND_ERR_HEADERS_TIMEOUT', 'ambiguous'],
    ['upstream-timeout', 'ECONNRESET', 'early'],
    ['upstream-bad-response', 'UND_ERR_SOCKET', 'early'],
    ['upstream-bad-response', 'HTTP 500', 'ambiguous'],
    ['upstream-bad-response', 'HTTP 503', 'early']
  ] as const) {
    t.test(`${name}: ${code}`, async t => t.ok(await opens(t, getBuckets, failure(name, code, stage))))
  }
  for (const code of ['HTTP 403', 'HTTP 404', 'HTTP 302', 'UND_ERR_RES_EXCEEDED_MAX_SIZE', 'Z_DATA_ERROR']) {
    const answered = failure('upstream-bad-response', code, 'ambiguous')
    t.test(`not ${code}: HOSTKEY answers`, async t => t.notOk(await opens(t, getBuckets, answered)))
  }
  for (const name of [
    'account-not-found',
    'upstream-refused',
    'upstream-throttled',
    'invalid-token',
    'upstream-bad-response',
    'upstream-timeout'
  ] as const) {
    t.test(`not ${name}: HOSTKEY answers`, async t => t.notOk(await opens(t, getBuckets, new Problem(name, 'x'))))
  }
  t.test('not a read that was aborted with its caller, but a write, which goes on', async t => {
    const lost = failure('upstream-timeout', 'AbortError', 'ambiguous')
    t.notOk(await opens(t, getBuckets, lost, AbortSignal.abort()))
    t.ok(await opens(t, deleteBucket, lost, AbortSignal.abort()))
  })
  t.test('not an error of the gateway; nor does it close the circuit', async t => {
    t.notOk(await opens(t, getBuckets, new TypeError('x')))
    const advance = clock(t)
    const { changes, run, trip } = watched()
    await trip(getBuckets)
    advance(LONGEST_OPEN_MS)
    await run(getBuckets, failWith(new TypeError('x')))
    t.strictSame(changes, ['read open'])
  })
})

t.test('a refused call', async t => {
  /** Calls under an open circuit, and what is sent then; `list_plans` ends on command. */
  const opened = async (action: Action, params: object) => {
    const sent: { name: string; context: RequestContext }[] = []
    const plans = Promise.withResolvers<unknown>()
    const send = (async ({ name }: Action, _params: object, context: RequestContext) => {
      sent.push({ name, context })
      return name === 'list_plans' ? plans.promise : timeout()
    }) as unknown as Call
    const call = withCircuitBreaker(send, () => undefined)
    const ask = (context = contextOf()) => heard(call(action, params as never, context))
    for (let n = 0; n < 5; n += 1) await ask()
    sent.length = 0
    return { sent, ask, answerPlans: () => plans.resolve({ plans: [] }) }
  }
  const bucket = { s3uid: 's3_user_1', bucket_name: 'photos' }

  t.test('that writes sends one list_plans at a time, so that something probes', async t => {
    const { sent, ask, answerPlans } = await opened(deleteBucket, bucket)
    for (const reply of await Promise.all([ask(), ask(), ask()])) t.ok(isProblem(reply, 'upstream-unavailable'))
    t.strictSame(
      sent.map(({ name }) => name),
      ['list_plans']
    )
    answerPlans()
    await setImmediate()
    await ask()
    t.equal(sent.length, 2, 'the next one once it has ended')
  })

  t.test('that writes sends it although the caller has disconnected', async t => {
    const { sent, ask } = await opened(deleteBucket, bucket)
    await ask(contextOf({ signal: AbortSignal.abort() }))
    t.equal(sent.length, 1)
    t.notOk(sent[0]?.context.signal.aborted)
  })

  t.test('that reads sends nothing', async t => {
    const { sent, ask } = await opened(getBucketsUsage, { s3uid: 's3_user_1' })
    t.ok(isProblem(await ask(), 'upstream-unavailable'))
    await setImmediate()
    t.strictSame(sent, [])
  })
})
