import t, { type Test } from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createOrder, getUsers } from '../../../../src/upstream/actions/accounts.ts'
import { createBucket } from '../../../../src/upstream/actions/buckets.ts'
import { tokenInfo } from '../../../../src/upstream/actions/sessions.ts'
import type { Upstream } from '../../../../src/upstream/client.ts'
import { type Answer, fakeUpstream } from '../../../support/fakes/upstream.ts'
import { contextOf, heard } from '../../../support/harness/contexts.ts'

/** A caller that gets `second` for a refused token, and an upstream that gives the answers in turn. */
const caller = async (t: Test, action: string, ...answers: Answer[]) => {
  const recorded = await fakeUpstream(t, { [action]: () => answers.shift() })
  const context = contextOf({ token: 'first' })
  const refused: string[] = []
  const refreshToken = async (token: Secret) => {
    refused.push(token.reveal())
    return new Secret('second')
  }
  return { ...recorded, refused, context: { ...context, caller: { ...context.caller, refreshToken } } }
}

const order = { plan_id: 2, bucket_name: 'photos', location: 'NL' }
const read = (upstream: Upstream, context: Parameters<Upstream['call']>[2]) =>
  heard(upstream.call(getUsers, {}, context))

t.test('a read whose token is refused is repeated once with a new token', async t => {
  const { upstream, context, refused, calls, tokens } = await caller(t, 'get_users', 'Invalid token', { s3_users: [] })
  t.strictSame(await read(upstream, context), { result: 'OK', s3_users: [] })
  t.same(refused, ['first'])
  t.same(tokens, ['first', 'second'])
  t.equal(calls.length, 2)
})

t.test('a write too: HOSTKEY refuses a token before it executes the action', async t => {
  const bucket = { s3uid: 's3_user_1', bucket_name: 'photos' }
  const { upstream, context, tokens } = await caller(t, 'create_bucket', 'Invalid token', { message: { status: 200 } })
  t.match(await upstream.call(createBucket, bucket, context), { message: { status: 200 } })
  t.same(tokens, ['first', 'second'])
})

t.test(
  'a call that may bill is not repeated: the token is refreshed and the caller must send the request again',
  async t => {
    const { upstream, context, refused, tokens } = await caller(t, 'create_order', 'Invalid token', createOrder.example)
    const problem = await heard(upstream.call(createOrder, order, context))
    t.match(problem, {
      problem: 'upstream-unavailable',
      options: { outcome: 'not-applied', retryAfterSeconds: 1, cause: { problem: 'invalid-token' } }
    })
    t.same(refused, ['first'])
    t.same(tokens, ['first'])
  }
)

t.test('upstream-unavailable when HOSTKEY refuses the new token too', async t => {
  const { upstream, context, tokens } = await caller(t, 'get_users', 'Invalid token', 'Invalid token', { s3_users: [] })
  const problem = await read(upstream, context)
  t.match(problem, {
    problem: 'upstream-unavailable',
    options: { retryAfterSeconds: 5, cause: { problem: 'invalid-token' } }
  })
  t.notOk(problem instanceof Problem && 'outcome' in problem.options)
  t.equal(tokens.length, 2)
  const write = await caller(t, 'create_bucket', 'Invalid token', 'Invalid token')
  const bucket = { s3uid: 's3_user_1', bucket_name: 'photos' }
  t.match(await heard(write.upstream.call(createBucket, bucket, write.context)), {
    options: { outcome: 'not-applied' }
  })
})

t.test('other failures are passed on, before and after a refresh', async t => {
  const first = await caller(t, 'get_users', 'Permission denied')
  t.ok(isProblem(await read(first.upstream, first.context), 'forbidden'))
  t.same(first.refused, [])
  const second = await caller(t, 'get_users', 'Invalid token', 'Permission denied')
  t.ok(isProblem(await read(second.upstream, second.context), 'forbidden'))
})

t.test('a call to auth.php sends no caller’s token and refreshes none', async t => {
  const { upstream, context, refused, calls } = await caller(t, 'info', 'Invalid token', { token: 'x' })
  t.ok(isProblem(await heard(upstream.call(tokenInfo, { token: 'x' }, context)), 'invalid-token'))
  t.same(refused, [])
  t.strictSame(calls, [{ action: 'info', token: 'x' }])
})
