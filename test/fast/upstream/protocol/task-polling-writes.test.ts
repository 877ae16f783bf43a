import t, { type Test } from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import { createOrder } from '../../../../src/upstream/actions/accounts.ts'
import { createBucket, deleteBucket } from '../../../../src/upstream/actions/buckets.ts'
import { type Answer, fakeUpstream } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const KEY = 'a1'.repeat(16)
const queued = () => ({ callback: KEY })

const actions = {
  create_order: [createOrder, { plan_id: 2, bucket_name: 'photos', location: 'NL' }],
  create_bucket: [createBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }],
  delete_bucket: [deleteBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }]
} as const

/** An upstream that queues every write; `check` answers the polls. */
const ask = async (t: Test, name: keyof typeof actions, check: () => Answer) => {
  const { upstream, calls, close } = await fakeUpstream(t, {
    create_order: queued,
    create_bucket: queued,
    delete_bucket: queued,
    check: () => check()
  })
  const [action, params] = actions[name]
  const outcome = await upstream.call(action, params as never, contextOf()).catch((error: unknown) => error)
  return { outcome, calls, close, sent: calls.filter(({ action }) => action === name).length }
}

t.test('a write that HOSTKEY queues', async t => {
  for (const name of Object.keys(actions) as (keyof typeof actions)[]) {
    t.test(`${name} has the result of its task`, async t => {
      const done = await ask(t, name, () => ({ context: { s3uid: 's3_user_9' }, key: KEY }))
      t.notOk(isProblem(done.outcome))
      t.match(done.calls.at(-1), { action: 'check', key: KEY })
      const { outcome } = await ask(t, name, () => 'Permission denied')
      t.match(outcome, { problem: 'forbidden', options: { outcome: 'not-applied' } })
    })

    for (const [what, reply] of [
      ['closes the connection', null],
      ['gives an unreadable answer', undefined],
      ['no longer knows the task', 'AsyncKey not found'],
      ['asks for a token', 'Invalid token']
    ] as const) {
      t.test(`${name} is sent once and stays unknown when the poll finds that HOSTKEY ${what}`, async t => {
        const { outcome, sent } = await ask(t, name, () => reply)
        t.match(outcome, { problem: 'upstream-timeout', options: { outcome: 'unknown' } })
        t.equal(sent, 1)
      })
    }

    t.test(`${name} is sent once and stays unknown when HOSTKEY becomes unreachable`, async t => {
      const { upstream, calls, close } = await fakeUpstream(t, {
        [name]: () => {
          close()
          return queued()
        }
      })
      const [action, params] = actions[name]
      const outcome = await upstream.call(action, params as never, contextOf()).catch((error: unknown) => error)
      t.match(outcome, { problem: 'upstream-timeout', options: { outcome: 'unknown' } })
      t.equal(calls.length, 1)
    })
  }
})

t.test('an answer with a result is an answer, also with the key of a task', async t => {
  const { upstream, calls } = await fakeUpstream(t, { delete_bucket: () => ({ callback: KEY, message: null }) })
  await upstream.call(deleteBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }, contextOf())
  t.equal(calls.length, 1)
})
