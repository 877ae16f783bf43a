import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const freePlan = {
  id: 1,
  name: 'Free Plan',
  active: true,
  quotaBytes: 5_368_709_120,
  locations: ['NL', 'DE'],
  storageType: 'standard',
  bandwidthLimit: 0,
  price: { monthlyEur: 0, monthlyUsd: 0, monthlyRub: 0 }
}

t.test('plans', async t => {
  const { get, post, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  t.beforeEach(() => control.clearCalls())

  // First: later the plans of this caller are cached for a minute.
  t.test('GET /plans: 400 invalid-request when HOSTKEY refuses with that text; not cached', async t => {
    control.fault({ kind: 'refusal', text: 's3/list_plans: invalid request', count: 1 })
    const reply = await get('/plans')
    fails(t, reply, 400, 'invalid-request', {
      upstream: { action: 'list_plans', message: 's3/list_plans: invalid request' }
    })
    t.equal(reply.headers['cache-control'], 'no-store')
  })

  t.test('GET /plans: 200 lists the plans on offer with exactly the documented members', async t => {
    const reply = await get('/plans')
    t.equal(reply.statusCode, 200)
    t.strictSame(reply.json().items[0], freePlan)
    t.strictSame(
      reply.json().items.map(({ id }: { id: number }) => id),
      [1, 2, 4]
    )
    t.strictSame(control.calls()[0]?.fields, { action: 'list_plans', token: control.calls()[0]?.fields['token'] })
  })

  t.test('GET /plans: 200 from the cache for the same caller, with a call for another one', async t => {
    const first = await get('/plans')
    t.equal((await get('/plans')).text, first.text)
    t.equal((await get('/plans/1')).statusCode, 200)
    t.strictSame(asked(), [])
    await get('/plans', { token: control.tokenOf('other') })
    t.strictSame(asked(), ['list_plans'])
  })

  t.test('GET /plans: 200 includes withdrawn plans, with active false, for an administrator', async t => {
    const { items } = (await get('/plans', { token: control.tokenOf('admin') })).json()
    t.strictSame(
      items.map(({ id, active }: { id: number; active: boolean }) => [id, active]),
      [
        [1, true],
        [2, true],
        [3, false],
        [4, true]
      ]
    )
  })

  t.test('POST /orders/checks checks against a fresh list of plans', async t => {
    await get('/plans')
    const body = { planId: 2, bucketName: 'ordered' }
    t.equal((await post('/orders/checks', body)).statusCode, 200)
    t.equal(control.counters()['list_plans'], 1)
  })

  t.test('GET /plans/:planId: 200 returns the plan', async t => {
    succeeds(t, await get('/plans/1'), 200, freePlan)
  })

  t.test('GET /plans/:planId: 404 plan-not-found when the plan is missing or withdrawn', async t => {
    for (const planId of [77, 3]) {
      fails(t, await get(`/plans/${planId}`), 404, 'plan-not-found', { retryable: false })
    }
  })

  t.test('GET /plans/:planId/history: 200 lists the changes', async t => {
    succeeds(t, await get('/plans/2/history'), 200, {
      items: [
        { id: 2, action: 'create', changedAt: '2023-10-01T12:00:00Z', details: 'Plan created' },
        { id: 3, action: 'update', changedAt: '2023-10-28T10:00:00Z', details: 'Quota raised to 250 GiB' }
      ]
    })
    t.equal(control.calls()[0]?.fields['id'], '2')
  })

  t.test('GET /plans/:planId/history: 404 plan-not-found when the plan is missing', async t => {
    fails(t, await get('/plans/77/history'), 404, 'plan-not-found')
  })
})
