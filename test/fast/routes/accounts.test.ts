import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** The one account of the customer `demo`: its files are those of the fixture. */
const demoAccount = {
  s3uid: 's3_user_1',
  id: 1,
  email: 'demo@example.com',
  planId: 2,
  location: 'NL',
  quotaBytes: 268_435_456_000,
  traffic: 102_400
}

t.test('GET /accounts', async t => {
  const { get, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  const admin = control.tokenOf('admin')
  /** What HOSTKEY is asked for; undefined when it is not asked. */
  const fieldsOf = async (query: string, token = sandbox.demo.token) => {
    control.clearCalls()
    await get(`/accounts${query}`, { token })
    const sent = control.calls().find(({ action }) => action === 'get_users')?.fields
    const { action: _, token: __, ...fields } = sent ?? { missing: 'call' }
    return fields
  }
  const namesOf = async (query: string, token = admin) =>
    (await get(`/accounts${query}`, { token })).json().items.map(({ s3uid }: { s3uid: string }) => s3uid)

  t.test('200 lists the accounts, each member in our words and no other', async t => {
    const [stored] = control.state().accounts
    const storageBytes = control
      .state()
      .buckets.filter(({ s3uid }) => s3uid === stored?.s3uid)
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    t.ok(storageBytes > 0)
    succeeds(t, await get('/accounts'), 200, { items: [{ ...demoAccount, storageBytes }], truncated: false })
  })

  t.test('200 drops what HOSTKEY adds, and leaves out what it leaves out', async t => {
    control.fault({ kind: 'extra-fields', count: 1 })
    const { items } = (await get('/accounts')).json()
    t.strictSame(Object.keys(items[0]).sort(), [...Object.keys(demoAccount), 'storageBytes'].sort())
  })

  t.test('200 sends no filter that was not asked for', async t => {
    t.strictSame(await fieldsOf(''), {})
  })

  t.test('200 sends each filter under HOSTKEY’s name', async t => {
    const query = '?planId=2&s3uid=s3_user_1&bucketName=logs&limit=5&periodFrom=2023-10-01&periodTo=2023-10-31'
    t.strictSame(await fieldsOf(query), {
      plan_id: '2',
      s3uid: 's3_user_1',
      bucket_name: 'logs',
      limit: '5',
      period_from: '2023-10-01',
      period_to: '2023-10-31'
    })
  })

  t.test('200 sends the filters of an admin', async t => {
    t.strictSame(await fieldsOf('?email=demo%40example.com&billing=com&customerId=1002', admin), {
      email: 'demo@example.com',
      billing: 'com',
      id: '1002'
    })
  })

  for (const filter of ['customerId=1005', 'email=other%40example.com', 'billing=com']) {
    t.test(`403 insufficient-scope when a customer filters by ${filter}, and no account is asked for`, async t => {
      control.clearCalls()
      fails(t, await get(`/accounts?${filter}`), 403, 'insufficient-scope', { retryable: false })
      t.notOk(asked().includes('get_users'))
    })
  }

  for (const [ours, theirs] of Object.entries({
    id: 'id',
    s3uid: 's3uid',
    email: 'email',
    planId: 'plan_id',
    location: 'location',
    quotaBytes: 'quota',
    storageBytes: 'storage_usage',
    traffic: 'traffic'
  })) {
    t.test(`200 sorts by ${ours} in both directions when asked to`, async t => {
      t.strictSame(await fieldsOf(`?sort=${ours}`), { order: theirs, order_by: 'ASC' })
      t.strictSame(await fieldsOf(`?sort=-${ours}`), { order: theirs, order_by: 'DESC' })
    })
  }

  t.test('200 in the order that was asked for', async t => {
    const up = await namesOf('?sort=storageBytes')
    t.equal(up.at(-1), 's3_user_1', 'the largest is last')
    t.strictSame(await namesOf('?sort=-id'), ['s3_user_4', 's3_user_3', 's3_user_2', 's3_user_1'])
  })

  t.test('200 with the accounts of one plan, customer or bucket when filtered', async t => {
    t.strictSame(await namesOf('?planId=1'), ['s3_user_3'])
    t.strictSame(await namesOf('?customerId=1005'), ['s3_user_2'])
    t.strictSame(await namesOf('?bucketName=two-factor-bucket'), ['s3_user_4'])
    t.strictSame(await namesOf('?planId=4'), [])
  })

  t.test('200 says truncated when the list is as long as the limit', async t => {
    for (const [limit, count, truncated] of [
      [1, 1, true],
      [4, 4, true],
      [5, 4, false]
    ] as const) {
      const { items, ...rest } = (await get(`/accounts?limit=${limit}`, { token: admin })).json()
      t.equal(items.length, count)
      t.strictSame(rest, { truncated })
    }
  })

  t.test('200 filters by location itself, before the limit, for HOSTKEY documents no such filter', async t => {
    t.strictSame(await fieldsOf('?location=DE&limit=1', admin), {}, 'neither location nor limit are sent')
    t.strictSame(await namesOf('?location=DE'), [])
    t.strictSame(await namesOf('?location=NL&limit=2'), ['s3_user_1', 's3_user_2'])
    const { truncated } = (await get('/accounts?location=NL&limit=2', { token: admin })).json()
    t.equal(truncated, true)
  })

  t.test('401 unauthenticated when no credential is sent', async t => {
    const reply = await get('/accounts', { token: null })
    fails(t, reply, 401, 'unauthenticated', { retryable: false })
    t.equal(reply.headers['www-authenticate'], 'Bearer realm="hostkey-s3-gateway"')
  })

  t.test('404 customer-not-found when an admin asks for nobody’s accounts', async t => {
    fails(t, await get('/accounts?customerId=999', { token: admin }), 404, 'customer-not-found')
  })

  for (const authFailure of ['invalid-hash', 'code-2', 'code-1', 'http-401'] as const) {
    t.test(`401 invalid-token when HOSTKEY refuses the token by ${authFailure}`, async t => {
      control.setBehaviours({ authFailure })
      const reply = await get('/accounts', { token: 'f'.repeat(32) })
      fails(t, reply, 401, 'invalid-token', { retryable: false })
      t.match(reply.headers['www-authenticate'], /^Bearer realm=.*error="invalid_token"/)
    })
  }
})

t.test('GET /accounts/:s3uid', async t => {
  const { get, asked, sandbox } = await gateway(t)

  t.test('200 gives the account', async t => {
    const { storageBytes, ...rest } = (await get('/accounts/s3_user_1')).json()
    t.strictSame(rest, demoAccount)
    t.type(storageBytes, 'number')
    t.strictSame(asked(), ['get_users'])
    t.equal(sandbox.control.calls()[0]?.fields['s3uid'], 's3_user_1')
  })

  t.test('404 account-not-found when there is none', async t => {
    fails(t, await get('/accounts/s3_user_999'), 404, 'account-not-found', { retryable: false })
  })

  t.test('404 account-not-found when it is another customer’s', async t => {
    fails(t, await get('/accounts/s3_user_2'), 404, 'account-not-found')
  })
})
