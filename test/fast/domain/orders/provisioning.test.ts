import t, { type Test } from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { createdDespite, isOutcomeOpen, provision } from '../../../../src/domain/orders/provisioning.ts'
import { createOrder } from '../../../../src/upstream/actions/accounts.ts'
import { type Answer, fakeUpstream, type Sent } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const requested = { planId: 2, bucketName: 'photos', location: 'NL' }
const listed = (...s3uids: string[]) => ({ s3_users: s3uids.map(s3uid => ({ s3uid })) })

/** @param after the accounts after the order; before it there is one */
const provisioned = async (t: Test, order: Answer, after: Answer, buckets: Answer | ((sent: Sent) => Answer)) => {
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

t.test('one order is sent; the account has the actual name of its bucket', async t => {
  const { created, sent } = await provisioned(t, createOrder.example, listed('old'), photos)
  t.strictSame(created, { s3uid: createOrder.example.s3uid, bucket: 'b1-photos' })
  t.strictSame(sent, [{ action: 'create_order', plan_id: '2', bucket_name: 'photos', location: 'NL' }])
})

t.test('the account is returned without its bucket when that is not listed', async t => {
  const { created } = await provisioned(t, createOrder.example, listed('old'), { message: [] })
  t.strictSame(created, { s3uid: createOrder.example.s3uid })
})

t.test('the new account is returned, with the error, when the answer was lost', async t => {
  const { created, sent } = await provisioned(t, undefined, listed('old', 'new'), photos)
  t.match(created, { s3uid: 'new', bucket: 'b1-photos', error: /cannot be used/ })
  t.equal(sent.length, 1)
})

t.test('a new account without buckets is returned only when HOSTKEY reports that it created one', async t => {
  const bare = { message: [] }
  const partial = await provisioned(
    t,
    'S3 account was created, but had an error: no bucket',
    listed('old', 'new', 'newer'),
    bare
  )
  t.ok(isProblem(partial.created, 'account-state-unknown'), 'two candidates')
  const after = listed('old', 'new', 'theirs')
  const buckets = ({ s3uid = '' }) => ({ message: s3uid === 'theirs' ? [{ name: 'music' }] : [] })
  const { created } = await provisioned(t, 'S3 account was created, but had an error: no bucket', after, buckets)
  t.match(created, {
    s3uid: 'new',
    error: /^HOSTKEY created the account and then reported an error\. Reference: [0-9a-f]{12}\.$/
  })
  t.ok(isProblem((await provisioned(t, undefined, after, buckets)).created, 'upstream-bad-response'))
})

t.test('the failure is thrown when no account is found, or HOSTKEY has refused', async t => {
  t.ok(isProblem((await provisioned(t, undefined, listed('old'), photos)).created, 'upstream-bad-response'))
  const { created, calls } = await provisioned(t, 'Permission denied', listed('old', 'new'), photos)
  t.ok(isProblem(created, 'forbidden'))
  t.equal(calls.filter(({ action }) => action === 'get_users').length, 1, 'no search after a refusal')
})

t.test('only an unknown or partial outcome is open', async t => {
  for (const outcome of ['unknown', 'partial'] as const) t.ok(isOutcomeOpen(new Problem('forbidden', 'x', { outcome })))
  for (const error of [
    new Problem('forbidden', 'x', { outcome: 'not-applied' }),
    new Problem('forbidden', 'x'),
    new Error()
  ])
    t.notOk(isOutcomeOpen(error))
})

t.test('the error is the text of HOSTKEY, otherwise that of the gateway', async t => {
  const finding = { s3uid: 'new', bucket: undefined }
  t.strictSame(createdDespite(finding, new Problem('forbidden', 'ours')), { s3uid: 'new', error: 'ours' })
  const upstream = { action: 'create_order', message: 'theirs' }
  t.strictSame(createdDespite({ ...finding, bucket: 'b' }, new Problem('forbidden', 'ours', { upstream })), {
    s3uid: 'new',
    bucket: 'b',
    error: 'theirs'
  })
})
