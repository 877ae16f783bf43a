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

t.test('GET /plans', async t => {
  const { get, post, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  t.beforeEach(() => control.reset())
  /** Of a caller that has not asked yet: what one has read is kept for a minute. */
  let callers = 0
  const newToken = () => {
    callers += 1
    // The sandbox, which begins anew for each test, gives the same tokens in the same order.
    const tokens = Array.from({ length: callers }, () => {
      control.expireSessions()
      return control.tokenOf('demo')
    })
    return tokens.at(-1) ?? ''
  }

  t.test('200 lists the plans on offer, each member in our words and no other', async t => {
    const reply = await get('/plans')
    t.equal(reply.statusCode, 200)
    t.strictSame(reply.json().items[0], freePlan)
    t.strictSame(
      reply.json().items.map(({ id }: { id: number }) => id),
      [1, 2, 4]
    )
    t.strictSame(control.calls()[0]?.fields, { action: 'list_plans', token: control.calls()[0]?.fields['token'] })
  })

  t.test('200 says active false of a plan that only an admin sees', async t => {
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

  t.test('200 may be kept by the caller for a minute', async t => {
    t.equal((await get('/plans')).headers['cache-control'], 'private, max-age=60')
  })

  t.test('200 from what was read a moment ago, for this caller alone', async t => {
    const token = newToken()
    const first = await get('/plans', { token })
    control.clearCalls()
    t.equal((await get('/plans', { token })).text, first.text)
    t.equal((await get('/plans/1', { token })).statusCode, 200)
    t.strictSame(asked(), [], 'HOSTKEY is not asked')
    await get('/plans', { token: control.tokenOf('other') })
    t.strictSame(asked(), ['list_plans'])
  })

  t.test('an order is checked against a fresh list all the same', async t => {
    const token = newToken()
    await get('/plans', { token })
    control.clearCalls()
    const body = { planId: 2, bucketName: 'ordered' }
    const headers = { 'idempotency-key': 'k'.repeat(16) }
    t.equal((await post('/orders?validateOnly=true', body, { token, headers })).statusCode, 200)
    t.equal(control.counters()['list_plans'], 1)
  })

  t.test('304 when the caller has it already, by its ETag', async t => {
    const first = await get('/plans')
    t.match(first.headers['etag'], /^(W\/)?"[^"]+"$/)
    const again = await get('/plans', { headers: { 'if-none-match': first.headers['etag'] ?? '' } })
    t.equal(again.statusCode, 304)
    t.equal(again.text, '')
    t.equal(again.headers['etag'], first.headers['etag'])
    t.equal(again.headers['cache-control'], 'private, max-age=60')
  })

  t.test('200 when what the caller has is another', async t => {
    t.equal((await get('/plans', { headers: { 'if-none-match': '"other"' } })).statusCode, 200)
  })

  t.test('400 invalid-request when HOSTKEY says so, and it may not be kept', async t => {
    control.fault({ kind: 'refusal', text: 's3/list_plans: invalid request' })
    const reply = await get('/plans', { token: newToken() })
    fails(t, reply, 400, 'invalid-request', {
      upstream: { action: 'list_plans', message: 's3/list_plans: invalid request' }
    })
    t.equal(reply.headers['cache-control'], 'no-store')
    t.strictSame(asked(), ['list_plans'])
  })
})

t.test('GET /plans/:planId', async t => {
  const { get, asked, sandbox } = await gateway(t)

  t.test('200 gives the plan', async t => {
    const reply = await get('/plans/1')
    succeeds(t, reply, 200, freePlan)
    t.equal(reply.headers['cache-control'], 'private, max-age=60')
    t.ok(reply.headers['etag'])
  })

  t.test('304 when the caller has it already', async t => {
    const { headers } = await get('/plans/1')
    t.equal((await get('/plans/1', { headers: { 'if-none-match': headers['etag'] ?? '' } })).statusCode, 304)
  })

  t.test('404 plan-not-found when there is none, or it is withdrawn', async t => {
    fails(t, await get('/plans/77'), 404, 'plan-not-found', { retryable: false })
    fails(t, await get('/plans/3'), 404, 'plan-not-found')
  })

  for (const planId of [
    '0',
    '-1',
    '01',
    '1.5',
    '1e0',
    '0x1',
    '+1',
    '2147483648',
    '99999999999999999999',
    'one',
    '%201'
  ]) {
    t.test(`400 invalid-request when the number is ${planId}, and nothing is asked`, async t => {
      sandbox.control.clearCalls()
      const reply = await get(`/plans/${planId}`)
      fails(t, reply, 400, 'invalid-request')
      t.match(reply.json().errors, [{ in: 'path', parameter: 'planId' }])
      t.strictSame(asked(), [])
    })
  }
})

t.test('GET /plans/:planId/history', async t => {
  const { get, sandbox } = await gateway(t)

  t.test('200 lists the changes', async t => {
    const reply = await get('/plans/2/history')
    succeeds(t, reply, 200, {
      items: [
        { id: 2, action: 'create', changedAt: '2023-10-01T12:00:00Z', details: 'Plan created' },
        { id: 3, action: 'update', changedAt: '2023-10-28T10:00:00Z', details: 'Quota raised to 250 GiB' }
      ]
    })
    t.equal(sandbox.control.calls()[0]?.fields['id'], '2')
    t.equal(reply.headers['cache-control'], 'private, max-age=60')
  })

  t.test('304 when the caller has it already', async t => {
    const { headers } = await get('/plans/2/history')
    t.equal((await get('/plans/2/history', { headers: { 'if-none-match': headers['etag'] ?? '' } })).statusCode, 304)
  })

  t.test('404 plan-not-found when there is none', async t => {
    fails(t, await get('/plans/77/history'), 404, 'plan-not-found')
  })
})
