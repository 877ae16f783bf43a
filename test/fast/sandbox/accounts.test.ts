import t from 'tap'
import { harness, pluck } from './support.ts'

const free = { plan_id: 1, bucket_name: 'photos' }
const paid = { plan_id: 4, bucket_name: 'photos', location: 'DE' }

t.test('create_account creates one free account with its bucket, in NL by default', async t => {
  const { s3, control } = await harness(t)
  t.strictSame(await s3('create_account', free), { result: 'OK', action: 'create_account', s3uid: 's3_user_100' })
  t.match(control.state().accounts.at(-1), { s3uid: 's3_user_100', location: 'NL', paid: false, buckets: ['photos'] })
  t.match(await s3('create_account', { ...free, bucket_name: 'more' }), { message: 'S3 free account limit reached' })
  t.match(await s3('delete_account', { s3uid: 's3_user_100' }), { result: 'OK' })
  t.match(await s3('create_account', { ...free, location: 'DE' }), { s3uid: 's3_user_101' }, 'the name is free again')
})

t.test('create_account refuses plans and locations that are not available, and creates no account', async t => {
  const { s3, control } = await harness(t)
  const before = control.state().accounts.length
  t.match(await s3('create_account', { ...free, plan_id: 3 }), { message: 'Plan not found' })
  t.match(await s3('create_account', { ...free, plan_id: 99 }), { message: 'Plan not found' })
  t.match(await s3('create_account', { ...free, location: 'US' }), { message: 's3/create_account: invalid request' })
  t.equal(control.state().accounts.length, before)
})

t.test('an account remains when its first bucket cannot be created', async t => {
  const { s3, control } = await harness(t)
  const error = 'S3 account was created, but had an error:'
  t.match(await s3('create_account', { ...free, bucket_name: 'Bad_Name' }), { message: `${error} InvalidBucketName` })
  t.match(await s3('create_order', { ...paid, bucket_name: 'logs' }), { message: `${error} Bucket already exists` })
  const users = await s3('get_users')
  t.strictSame(pluck(users, 's3_users', 's3uid'), ['s3_user_1', 's3_user_100', 's3_user_101'])
  t.match(await s3('get_buckets', { s3uid: 's3_user_100' }), { message: [] })
  t.equal(control.customer('demo').creditCents, 100_000 - 1490, 'the order is charged')
})

t.test('create_order charges the credit, and refuses plans that cannot be ordered', async t => {
  const { s3, control } = await harness(t)
  t.strictSame(await s3('create_order', paid), { result: 'OK', action: 'create_order', s3uid: 's3_user_100' })
  t.equal(control.customer('demo').creditCents, 100_000 - 1490)
  t.match(await s3('create_order', { ...paid, plan_id: 1 }), { message: 'Plan not found' })
  t.match(await s3('create_order', { ...paid, plan_id: 3 }), { message: 'Plan not found' })
  t.match(
    await s3('create_order', { ...paid, plan_id: 2 }),
    { message: 's3/create_order: invalid request' },
    'not in DE'
  )
  t.match(await s3('create_order', { plan_id: 4, bucket_name: 'x1y' }), { message: 's3/create_order: invalid request' })
  t.equal(control.customer('demo').creditCents, 100_000 - 1490)
})

t.test('createOrder=unpaid leaves an unpaid order and no account', async t => {
  const { s3, control } = await harness(t, { behaviours: { createOrder: 'unpaid' } })
  t.match(await s3('create_order', paid), { message: 'issue service paid' })
  const { unpaidOrders, accounts } = control.state()
  t.strictSame(unpaidOrders, [{ customerId: 1002, planId: 4, bucketName: 'photos', location: 'DE' }])
  t.equal(accounts.filter(account => account.customerId === 1002).length, 1)
  t.equal(control.customer('demo').creditCents, 100_000)
})

t.test('delete_account deletes its buckets and files', async t => {
  const { s3, control } = await harness(t)
  t.strictSame(await s3('delete_account', { s3uid: 's3_user_1' }), {
    result: 'OK',
    action: 'delete_account',
    message: null
  })
  t.strictSame(await s3('get_users'), { result: 'OK', action: 'get_users', s3_users: [] })
  t.notOk(control.state().buckets.some(bucket => bucket.s3uid === 's3_user_1'))
})

t.test('get_users lists the own accounts for a customer, and all or one customer’s for an admin', async t => {
  const { s3, control } = await harness(t)
  const token = control.tokenOf('admin')
  t.strictSame(pluck(await s3('get_users'), 's3_users', 's3uid'), ['s3_user_1'])
  t.strictSame(pluck(await s3('get_users', { id: 1005 }), 's3_users', 's3uid'), ['s3_user_1'], 'id is ignored')
  t.strictSame(pluck(await s3('get_users', { token }), 's3_users', 'id'), [1, 2, 3, 4])
  t.strictSame(pluck(await s3('get_users', { token, id: 1005 }), 's3_users', 'id'), [2])
  t.strictSame(pluck(await s3('get_users', { s3uid: 's3_user_2' }), 's3_users', 'id'), [], 's3uid of another customer')
})

t.test('get_users filters, sorts and limits', async t => {
  const { s3, control } = await harness(t)
  const ids = async (fields: Record<string, string | number>) =>
    pluck(await s3('get_users', { token: control.tokenOf('admin'), ...fields }), 's3_users', 'id')
  t.strictSame(await ids({ plan_id: 1 }), [3])
  t.strictSame(await ids({ s3uid: 's3_user_4' }), [4])
  t.strictSame(await ids({ email: 'OTHER@example.com' }), [2])
  t.strictSame(await ids({ bucket_name: 'logs' }), [1])
  t.strictSame(await ids({ bucket_name: 'none' }), [])
  t.strictSame(await ids({ billing: 'ru' }), [])
  t.strictSame(await ids({ location: 'NL', limit: 2 }), [1, 2])
  t.strictSame(await ids({ order: 'storage_usage', order_by: 'DESC' }), [1, 2, 3, 4])
  t.strictSame(await ids({ order: 'email', order_by: 'desc' }), [4, 3, 2, 1])
  for (const wrong of [{ order: 'password' }, { order_by: 'up' }, { limit: 0 }, { period_from: 'today' }]) {
    t.match(await s3('get_users', wrong), { message: 's3/get_users: invalid request' })
  }
})

t.test('accountLag hides a new account from that many lists', async t => {
  const { s3 } = await harness(t, { behaviours: { accountLag: 1 } })
  await s3('create_account', free)
  t.equal(pluck(await s3('get_users'), 's3_users', 'id').length, 1)
  t.equal(pluck(await s3('get_users'), 's3_users', 'id').length, 2)
})

t.test('list_plans and history: customers see active plans, admins see all', async t => {
  const { s3, control } = await harness(t)
  const token = control.tokenOf('admin')
  t.strictSame(pluck(await s3('list_plans'), 'plans', 'id'), [1, 2, 4])
  t.strictSame(pluck(await s3('list_plans', { token }), 'plans', 'id'), [1, 2, 3, 4])
  t.strictSame(pluck(await s3('list_plans', { token, id: 3 }), 'plans', 'active'), [0])
  t.match(await s3('list_plans', { token, id: 'x' }), { message: 's3/list_plans: invalid request' })
  t.strictSame(pluck(await s3('history', { id: 2 }), 'data', 'id'), [2, 3])
})

t.test('a paid account is terminated and kept; terminations=absent removes both actions', async t => {
  const { s3, control } = await harness(t, { now: () => Date.UTC(2026, 0, 1) })
  const s3uid = 's3_user_1'
  const end = async () => pluckDate(await s3('delete_payment_account', { s3uid }))
  t.equal(await end(), '2026-01-31')
  t.equal(await end(), '2026-01-31', 'again')
  t.equal(control.state().accounts[0]?.cancelDate, '2026-01-31')
  t.match(await s3('cancel_payment_account_deletion', { s3uid }), { result: 'OK', message: null })
  t.equal(control.state().accounts[0]?.cancelDate, undefined)
  t.match(await s3('delete_payment_account', { s3uid: 's3_user_2' }), {
    message: 'S3 account not found for this customer'
  })
  const token = control.tokenOf('storage-only')
  for (const action of ['delete_payment_account', 'cancel_payment_account_deletion']) {
    t.match(await s3(action, { s3uid: 's3_user_3', token }), { code: -1, message: 'Active service not found' })
  }
  control.setBehaviours({ terminations: 'absent' })
  for (const action of ['delete_payment_account', 'cancel_payment_account_deletion']) {
    t.match(await s3(action, { s3uid }), { code: -1, message: `s3/${action}: invalid request` })
  }
})

const pluckDate = (reply: unknown) => (reply as { message?: { cancellation_date?: string } }).message?.cancellation_date
