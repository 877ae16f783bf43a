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
  const { get, sandbox } = await gateway(t)
  const { control } = sandbox
  const admin = control.tokenOf('admin')
  /** The parameters of get_users. */
  const fieldsOf = async (query: string, token = sandbox.demo.token) => {
    control.clearCalls()
    await get(`/accounts${query}`, { token })
    const sent = control.calls().find(({ action }) => action === 'get_users')?.fields
    const { action: _, token: __, ...fields } = sent ?? { missing: 'call' }
    return fields
  }
  const namesOf = async (query: string) =>
    (await get(`/accounts${query}`, { token: admin })).json().items.map(({ s3uid }: { s3uid: string }) => s3uid)

  t.test('200 lists the accounts with exactly the documented members, also when HOSTKEY sends others', async t => {
    const [stored] = control.state().accounts
    const storageBytes = control
      .state()
      .buckets.filter(({ s3uid }) => s3uid === stored?.s3uid)
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    t.ok(storageBytes > 0)
    control.fault({ kind: 'extra-fields', count: 1 })
    succeeds(t, await get('/accounts'), 200, { items: [{ ...demoAccount, storageBytes }], truncated: false })
  })

  t.test('200 sends each filter by its upstream name, and no other', async t => {
    t.strictSame(await fieldsOf(''), {})
    const query = '?planId=2&s3uid=s3_user_1&bucketName=logs&limit=5&periodFrom=2023-10-01&periodTo=2023-10-31'
    t.strictSame(await fieldsOf(query), {
      plan_id: '2',
      s3uid: 's3_user_1',
      bucket_name: 'logs',
      limit: '5',
      period_from: '2023-10-01',
      period_to: '2023-10-31'
    })
    t.strictSame(await fieldsOf('?email=demo%40example.com&billing=com&customerId=1002', admin), {
      email: 'demo@example.com',
      billing: 'com',
      id: '1002'
    })
  })

  t.test('200 sends each sort field by its upstream name, in both directions', async t => {
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
      t.strictSame(await fieldsOf(`?sort=${ours}`), { order: theirs, order_by: 'ASC' })
      t.strictSame(await fieldsOf(`?sort=-${ours}`), { order: theirs, order_by: 'DESC' })
    }
  })

  t.test('200 in the requested order', async t => {
    t.equal((await namesOf('?sort=storageBytes')).at(-1), 's3_user_1', 'the largest is last')
    t.strictSame(await namesOf('?sort=-id'), ['s3_user_4', 's3_user_3', 's3_user_2', 's3_user_1'])
  })

  t.test('200 with the accounts of one plan, customer or bucket', async t => {
    t.strictSame(await namesOf('?planId=1'), ['s3_user_3'])
    t.strictSame(await namesOf('?customerId=1005'), ['s3_user_2'])
    t.strictSame(await namesOf('?bucketName=two-factor-bucket'), ['s3_user_4'])
    t.strictSame(await namesOf('?planId=4'), [])
  })

  t.test('200 with truncated true when the list is as long as the limit', async t => {
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

  t.test(
    '200 filters by location in the gateway, before the limit, because HOSTKEY documents no such filter',
    async t => {
      t.strictSame(await fieldsOf('?location=DE&limit=1', admin), {}, 'neither location nor limit is sent')
      t.strictSame(await namesOf('?location=DE'), [])
      t.strictSame(await namesOf('?location=NL&limit=2'), ['s3_user_1', 's3_user_2'])
      const { truncated } = (await get('/accounts?location=NL&limit=2', { token: admin })).json()
      t.equal(truncated, true)
    }
  )

  t.test('404 customer-not-found when an administrator names an unknown customer', async t => {
    fails(t, await get('/accounts?customerId=999', { token: admin }), 404, 'customer-not-found')
  })

  t.test('GET /accounts/:s3uid: 200 returns the account', async t => {
    control.clearCalls()
    const { storageBytes, ...rest } = (await get('/accounts/s3_user_1')).json()
    t.strictSame(rest, demoAccount)
    t.type(storageBytes, 'number')
    t.match(control.calls(), [{ action: 'get_users', fields: { s3uid: 's3_user_1' } }])
    t.equal(control.calls().length, 1)
  })

  t.test('GET /accounts/:s3uid: 404 account-not-found when the account is missing or another customer’s', async t => {
    for (const s3uid of ['s3_user_999', 's3_user_2']) {
      fails(t, await get(`/accounts/${s3uid}`), 404, 'account-not-found', { retryable: false })
    }
  })
})
