import t from 'tap'
import { addCustomer, plansOnOffer } from '../../../src/sandbox/fixture.ts'
import type { Fixture, State } from '../../../src/sandbox/state.ts'
import { addBucket, openAccount, putFile } from '../../../src/sandbox/storage.ts'
import { harness } from './support.ts'

/** The samples of the vendor page, each with the request and the state that lead to it. */
const samples: { fields: Record<string, string | number>; sample: string; fixture?: (state: State) => void }[] = [
  {
    fields: { action: 'create_account', plan_id: 1, bucket_name: 'bucket-2' },
    sample: '{"result":"OK","action":"create_account","s3uid":"s3_user_12345"}'
  },
  {
    fields: { action: 'create_bucket', s3uid: 's3_user_123', bucket_name: 'bucket-2' },
    sample: '{"result":"OK","action":"create_bucket","message":{"status":200,"body":"","headers":{}}}'
  },
  {
    fields: { action: 'create_order', plan_id: 2, bucket_name: 'bucket-2', location: 'NL' },
    sample: '{"result":"OK","action":"create_order","s3uid":"s3_user_67890"}',
    fixture: state => {
      state.nextAccountId = 67890
      for (const plan of plansOnOffer) state.plans.set(plan.id, plan)
    }
  },
  {
    fields: { action: 'delete_account', s3uid: 's3_user_123' },
    sample: '{"result":"OK","action":"delete_account","message":null}'
  },
  {
    fields: { action: 'delete_bucket', s3uid: 's3_user_124', bucket_name: 'empty' },
    sample: '{"result":"OK","action":"delete_bucket","message":"Bucket deleted successfully"}'
  },
  {
    fields: { action: 'delete_file', s3uid: 's3_user_123', bucket_name: 'bucket-1', filename: 'folder/file.txt' },
    sample: '{"result":"OK","action":"delete_file","message":"File deleted successfully"}'
  },
  {
    fields: { action: 'get_buckets', s3uid: 's3_user_123' },
    sample: `{"result":"OK","action":"get_buckets","message":[{"name":"bucket-1","creation_date":"2023-10-01T12:00:00Z"}],
      "bandwidth":102400,"snapshot":{"bandwidth_usage":102400,"storage_usage":5000000000,"created_at":"2023-10-27T10:00:00Z"}}`,
    fixture: state => {
      const snapshots = state.accounts.get('s3_user_123')?.snapshots
      snapshots?.splice(0, 1, { bandwidth: 102400, storage: 5000000000, createdAt: '2023-10-27T10:00:00Z' })
    }
  },
  {
    fields: { action: 'get_buckets_rmq', s3uid: 's3_user_123' },
    sample: `{"result":"OK","action":"get_buckets_rmq","message":[{"name":"bucket-1","usage":1024000000}],"bandwidth":102400,
      "usage_storage":1024000000,"quota":5368709120,
      "snapshots":[{"bandwidth_usage":102400,"storage_usage":1024000000,"created_at":"2023-10-27T10:00:00Z"}],
      "access_key":"AKIAIOSFODNN7EXAMPLE","secret_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}`
  },
  {
    fields: { action: 'get_files', s3uid: 's3_user_124', bucket_name: 'full', max_keys: 1 },
    sample: `{"result":"OK","action":"get_files","files":[{"key":"folder/file.txt","original_key":"folder/file.txt","size":1024,
      "last_modified":"2023-10-27T10:00:00Z"}],"folders":[{"key":"folder/"}],
      "next_token":"eyJDb250aW51YXRpb25Ub2tlbiI6IkFCQzEyMyJ9"}`,
    fixture: state => {
      state.behaviours.listing = 'flat'
      state.cursorNameOf = () => 'ABC123'
    }
  },
  {
    fields: { action: 'get_users', s3uid: 's3_user_123' },
    sample: `{"result":"OK","action":"get_users","s3_users":[{"id":123,"s3uid":"s3_user_123","email":"[email protected]","plan_id":5,
      "location":"NL","quota":5368709120,"traffic":102400,"storage_usage":1024000000}]}`
  },
  {
    fields: { action: 'history', id: 1 },
    sample: `{"result":"OK","action":"history","data":[{"id":1,"action":"update","date":"2023-10-27T10:00:00Z",
      "details":"Price updated"}]}`
  },
  {
    fields: { action: 'list_plans' },
    sample: `{"result":"OK","action":"list_plans","plans":[{"id":1,"name":"Free Plan","quota":5368709120,"active":1,
      "locations":["NL","DE"],"monthly_rub":0,"monthly_eur":0,"monthly_usd":0,"storage_type":"standard","bandwidth_limit":0,
      "price":{"monthly_rub":0,"monthly_eur":0,"monthly_usd":0}}]}`
  },
  {
    fields: { action: 'show_key', s3uid: 's3_user_123', s3_key: 'secret_key' },
    sample: '{"result":"OK","action":"show_key","key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'
  }
]

/** The data of the samples of the vendor page. */
const vendorPage =
  (more: (state: State) => void = () => undefined): Fixture =>
  state => {
    const freePlan = plansOnOffer.find(plan => plan.id === 1)
    if (!freePlan) throw new TypeError('the fixture has no free plan')
    state.plans.set(1, freePlan)
    state.planEvents.push({
      id: 1,
      planId: 1,
      action: 'update',
      date: '2023-10-27T10:00:00Z',
      details: 'Price updated'
    })
    const demo = addCustomer(state, 1, 'demo', { servers: [1], creditCents: 1000, hasApiKey: true })
    addCustomer(state, 2, 'storage-only', { servers: [] })
    const account = {
      ...openAccount(state, demo, freePlan, 'NL', 123),
      email: '[email protected]',
      planId: 5,
      paid: true,
      bandwidth: 102400,
      snapshots: [{ bandwidth: 102400, storage: 1024000000, createdAt: '2023-10-27T10:00:00Z' }],
      accessKey: 'AKIAIOSFODNN7EXAMPLE',
      secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
    }
    state.accounts.set('s3_user_123', account)
    const bucket = addBucket(state, account, 'bucket-1', '2023-10-01T12:00:00Z')
    putFile(bucket, 'folder/file.txt', 1024000000, '2023-10-27T10:00:00Z')
    const second = { ...openAccount(state, demo, freePlan, 'NL', 124), paid: true }
    state.accounts.set('s3_user_124', second)
    addBucket(state, second, 'empty', '2023-10-01T12:00:00Z')
    const full = addBucket(state, second, 'full', '2023-10-01T12:00:00Z')
    putFile(full, 'folder/file.txt', 1024, '2023-10-27T10:00:00Z')
    putFile(full, 'folder/other.txt', 1024, '2023-10-27T10:00:00Z')
    state.nextAccountId = 12345
    more(state)
  }

for (const { fields, sample, fixture } of samples) {
  t.test(`${fields['action']} replies exactly with the sample of the vendor page`, async t => {
    const { post, demo } = await harness(t, { fixture: vendorPage(fixture) })
    const answer = await (await post('s3.php', { ...fields, token: demo.token })).text()
    t.equal(JSON.stringify(JSON.parse(answer)), JSON.stringify(JSON.parse(sample)))
  })
}

t.test('the standard fixture contains the free plan of the vendor page', async t => {
  const { s3 } = await harness(t)
  const plans = (await s3('list_plans'))['plans']
  const sample: unknown = JSON.parse(samples.find(({ fields }) => fields['action'] === 'list_plans')?.sample ?? '')
  t.match(sample, { plans: [Array.isArray(plans) ? plans[0] : undefined] })
  t.ok(Array.isArray(plans) && plans.length > 1)
})

/** The failure texts of the vendor page, with a reason in place of `...`. */
const refusals: [action: string, fields: Record<string, string | number>, text: string, fault?: string][] = [
  [
    'create_account',
    { plan_id: 1, bucket_name: 'logs' },
    'S3 account was created, but had an error: Bucket already exists'
  ],
  ['create_bucket', { s3uid: 's3_user_1', bucket_name: 'logs' }, 'Create bucket error: Bucket already exists'],
  ['create_account', { plan_id: 2, bucket_name: 'fresh' }, 'issue service paid'],
  ['delete_account', { s3uid: 's3_user_1' }, 'Delete S3 account error: locked', 'Delete S3 account error: locked'],
  ['delete_bucket', { s3uid: 's3_user_1', bucket_name: 'logs' }, 'Delete S3 bucket error: Bucket not empty'],
  [
    'delete_file',
    { s3uid: 's3_user_1', bucket_name: 'logs', filename: 'none' },
    'Delete S3 file error: File not found'
  ],
  [
    'get_buckets',
    { s3uid: 's3_user_1' },
    's3/get_buckets: Load bucket error: x',
    's3/get_buckets: Load bucket error: x'
  ],
  ['get_buckets_rmq', { s3uid: 's3_user_9' }, 'S3 account not found for this customer'],
  ['get_files', { s3uid: 's3_user_1', bucket_name: 'none' }, 's3/get_files: Load S3 files error: NoSuchBucket'],
  ['history', { id: 99 }, 'Plan not found'],
  ['list_plans', { id: 1 }, 's3/list_plans: invalid request'],
  ['show_key', { s3uid: 's3_user_1', s3_key: 'other' }, 'invalid key']
]

for (const [action, fields, text, fault] of refusals) {
  t.test(`${action} refuses with the text of the vendor page: ${text}`, async t => {
    const { s3, control } = await harness(t)
    if (fault) control.fault({ action, kind: 'refusal', text: fault })
    t.strictSame(await s3(action, fields), { code: -1, message: text })
  })
}

t.test('create_order refuses with the text of the vendor page when the credit is insufficient', async t => {
  const { s3, control } = await harness(t)
  control.setCredit('demo', 489)
  const order = { plan_id: 2, bucket_name: 'fresh', location: 'NL' }
  t.strictSame(await s3('create_order', order), { code: -1, message: 'issue service paid' })
  control.setCredit('demo', 490)
  t.match(await s3('create_order', order), { result: 'OK' })
})

t.test('get_users refuses with the text of the vendor page when an admin names an unknown customer', async t => {
  const { s3, control } = await harness(t)
  const answer = await s3('get_users', { token: control.tokenOf('admin'), id: 77 })
  t.strictSame(answer, { code: -1, message: 'customer not found' })
})
