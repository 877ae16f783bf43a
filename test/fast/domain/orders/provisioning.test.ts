import t, { type Test } from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { createdDespite, isOutcomeOpen, provision } from '../../../../src/domain/orders/provisioning.ts'
import { createOrder } from '../../../../src/upstream/actions/accounts.ts'
import { type Answer, fakeUpstream, type Sent } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const requested = { planId: 2, bucketName: 'photos', location: 'NL' }
const listed = (...s3uids: string[]) => ({ s3_users: s3uids.map(s3uid => ({ s3uid })) })

/** @param after the accounts after the provision; before it there is one */
const shop = async (t: Test, order: Answer, after: Answer, buckets: Answer | ((sent: Sent) => Answer)) => {
  let isSent = false
  const { upstream, calls } = await fakeUpstream(t, {
    get_users: () => (isSent ? after : listed('old')),
    create_order: () => {
      isSent = true
      return order
    },
    get_buckets: sent => (typeof buckets === 'function' ? buckets(sent) : buckets)
  })
  const created = await provision({ upstream, verifyDelaysMs: [0] }, createOrder, requested, contextOf()).catch(
    error => error
  )
  return { created, calls, sent: calls.filter(({ action }) => action === 'create_order') }
}

const photos = { message: [{ name: 'b1-photos' }] }

t.test('a provision is one POST, and the account has the actual name of its bucket', async t => {
  const { created, sent } = await shop(t, createOrder.example, listed('old'), photos)
  t.strictSame(created, { s3uid: createOrder.example.s3uid, bucket: 'b1-photos' })
  t.strictSame(sent, [{ action: 'create_order', plan_id: '2', bucket_name: 'photos', location: 'NL' }])
})

t.test('a provision is made though its bucket is not seen', async t => {
  const { created } = await shop(t, createOrder.example, listed('old'), { message: [] })
  t.strictSame(created, { s3uid: createOrder.example.s3uid })
})

t.test('an account that is found was made, though the answer was lost; the answer is told', async t => {
  const { created, sent } = await shop(t, undefined, listed('old', 'new'), photos)
  t.match(created, { s3uid: 'new', bucket: 'b1-photos', error: /cannot be used/ })
  t.equal(sent.length, 1)
})

t.test('a new account without any bucket is the one only where HOSTKEY says that one was made', async t => {
  const bare = { message: [] }
  const partial = await shop(
    t,
    'S3 account was created, but had an error: no bucket',
    listed('old', 'new', 'newer'),
    bare
  )
  t.ok(isProblem(partial.created, 'account-state-unknown'), 'and there is but one')
  const after = listed('old', 'new', 'theirs')
  const buckets = ({ s3uid = '' }) => ({ message: s3uid === 'theirs' ? [{ name: 'music' }] : [] })
  const { created } = await shop(t, 'S3 account was created, but had an error: no bucket', after, buckets)
  t.match(created, { s3uid: 'new', error: /no bucket/ })
  t.ok(isProblem((await shop(t, undefined, after, buckets)).created, 'upstream-bad-response'))
})

t.test('the failure stands when no account is found, or HOSTKEY has refused', async t => {
  t.ok(isProblem((await shop(t, undefined, listed('old'), photos)).created, 'upstream-bad-response'))
  const { created, calls } = await shop(t, 'Permission denied', listed('old', 'new'), photos)
  t.ok(isProblem(created, 'forbidden'))
  t.equal(calls.filter(({ action }) => action === 'get_users').length, 1, 'nobody looks')
})

t.test('an unknown or partial outcome leaves it open, and nothing else', async t => {
  for (const outcome of ['unknown', 'partial'] as const) t.ok(isOutcomeOpen(new Problem('forbidden', 'x', { outcome })))
  for (const error of [
    new Problem('forbidden', 'x', { outcome: 'not-applied' }),
    new Problem('forbidden', 'x'),
    new Error()
  ])
    t.notOk(isOutcomeOpen(error))
})

t.test('what HOSTKEY said is told before what we say', async t => {
  const finding = { s3uid: 'new', bucket: undefined }
  t.strictSame(createdDespite(finding, new Problem('forbidden', 'ours')), { s3uid: 'new', error: 'ours' })
  const upstream = { action: 'create_order', message: 'theirs' }
  t.strictSame(createdDespite({ ...finding, bucket: 'b' }, new Problem('forbidden', 'ours', { upstream })), {
    s3uid: 'new',
    bucket: 'b',
    error: 'theirs'
  })
})
