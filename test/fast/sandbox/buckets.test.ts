import t from 'tap'
import { harness, jsonOf, pluck } from './support.ts'

const s3uid = 's3_user_1'

t.test('a bucket can be created, listed, and deleted when it is empty', async t => {
  const { s3, control } = await harness(t, { now: () => Date.UTC(2026, 0, 2) })
  const bucket = { s3uid, bucket_name: 'photos' }
  t.match(await s3('create_bucket', bucket), { message: { status: 200, body: '', headers: {} } })
  t.match(await s3('get_buckets', { s3uid }), {
    message: [{}, {}, {}, { name: 'photos', creation_date: '2026-01-02T00:00:00Z' }]
  })
  control.putFile('photos', 'a.txt', 5)
  t.match(await s3('get_buckets_rmq', { s3uid }), { message: [{}, {}, {}, { name: 'photos', usage: 5 }] })
  t.match(await s3('delete_bucket', bucket), { message: 'Delete S3 bucket error: Bucket not empty' })
  t.match(await s3('delete_file', { ...bucket, filename: 'a.txt' }), { result: 'OK' })
  t.match(await s3('delete_bucket', bucket), { result: 'OK' })
  t.match(await s3('delete_bucket', bucket), { message: 'Delete S3 bucket error: NoSuchBucket' })
})

t.test('a deleted file is neither listed nor counted', async t => {
  const { s3, control } = await harness(t)
  const bucket = { s3uid, bucket_name: 'empty-bucket' }
  control.putFile('empty-bucket', 'a.txt', 5)
  control.putFile('empty-bucket', 'b.txt', 7)
  t.strictSame(pluck(await s3('get_files', bucket), 'files', 'key'), ['a.txt', 'b.txt'])
  await s3('delete_file', { ...bucket, filename: 'a.txt' })
  t.strictSame(pluck(await s3('get_files', bucket), 'files', 'key'), ['b.txt'])
  t.strictSame(pluck(await s3('get_buckets_rmq', { s3uid }), 'message', 'usage')[1], 7)
})

t.test('a bucket name is refused when any customer has it, or when it is invalid', async t => {
  const { s3 } = await harness(t)
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'other-bucket' }), {
    message: 'Create bucket error: Bucket already exists'
  })
  for (const bucket_name of ['ab', 'Upper', 'under_score', 'a..b', '-ab', 'a'.repeat(64)]) {
    t.match(
      await s3('create_bucket', { s3uid, bucket_name }),
      { message: 'Create bucket error: InvalidBucketName' },
      bucket_name
    )
  }
})

t.test('of concurrent create_bucket calls with one name, one succeeds and the others are refused', async t => {
  const { s3 } = await harness(t)
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => s3('create_bucket', { s3uid, bucket_name: 'photos' }))
  )
  t.equal(answers.filter(answer => answer['result'] === 'OK').length, 1)
  t.equal(answers.filter(answer => answer['message'] === 'Create bucket error: Bucket already exists').length, 7)
})

t.test('bucketPrefix=on adds a prefix to the name; the requested name does not exist', async t => {
  const { s3 } = await harness(t, { behaviours: { bucketPrefix: 'on' } })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'photos' }), { result: 'OK' })
  const name = String(pluck(await s3('get_buckets', { s3uid }), 'message', 'name').at(-1))
  t.match(name, /^b[0-9a-f]{8}-photos$/)
  t.match(await s3('delete_bucket', { s3uid, bucket_name: 'photos' }), { message: /NoSuchBucket/ })
  t.match(await s3('delete_bucket', { s3uid, bucket_name: name }), { result: 'OK' })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'a'.repeat(53) }), { result: 'OK' })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'a'.repeat(54) }), { message: /InvalidBucketName/ })
  await s3('create_account', { plan_id: 1, bucket_name: 'photos' })
  t.match(pluck(await s3('get_buckets', { s3uid: 's3_user_100' }), 'message', 'name'), [/^b[0-9a-f]{8}-photos$/])
})

t.test('getBuckets: absent refuses like an unknown action; withKeys includes the key pair', async t => {
  const { s3, control } = await harness(t)
  control.setBehaviours({ getBuckets: 'absent' })
  t.strictSame(await s3('get_buckets', { s3uid, token: 'dead' }), {
    code: -1,
    message: 's3/get_buckets: invalid request'
  })
  control.setBehaviours({ getBuckets: 'withKeys' })
  t.match(await s3('get_buckets', { s3uid }), { access_key: /^[A-Z2-7]{20}$/, secret_key: /^[A-Za-z0-9]{40}$/ })
  control.setBehaviours({ getBuckets: 'on' })
  t.notOk('access_key' in (await s3('get_buckets', { s3uid })))
})

t.test('hiddenFailure: create_bucket reports failures inside result OK', async t => {
  const { s3, control } = await harness(t, { behaviours: { hiddenFailure: true } })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'logs' }), { result: 'OK', message: { status: 409 } })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'Bad' }), { result: 'OK', message: { status: 400 } })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'photos' }), { result: 'OK', message: { status: 200 } })
  control.setBehaviours({ hiddenFailure: 503 })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'videos' }), { result: 'OK', message: { status: 503 } })
  t.notOk(control.state().buckets.some(bucket => bucket.name === 'videos'))
})

t.test('createBucketHeaders=list prints the empty map as a list', async t => {
  const { s3 } = await harness(t, { behaviours: { createBucketHeaders: 'list' } })
  t.strictSame((await s3('create_bucket', { s3uid, bucket_name: 'photos' }))['message'], {
    status: 200,
    body: '',
    headers: []
  })
})

t.test('listLag hides a new bucket from that many lists', async t => {
  const { s3 } = await harness(t, { behaviours: { listLag: 2 } })
  await s3('create_bucket', { s3uid, bucket_name: 'photos' })
  const isListed = async () => pluck(await s3('get_buckets', { s3uid }), 'message', 'name').includes('photos')
  t.strictSame([await isListed(), await isListed(), await isListed()], [false, false, true])
})

t.test('rmq=callback replies with a key; eq_callback.php returns the result once, when it is ready', async t => {
  const { s3, post, control, url } = await harness(t, { behaviours: { rmq: 'callback', callbackSeconds: 5 } })
  const { callback } = await s3('get_buckets_rmq', { s3uid })
  t.match(callback, /^[a-z0-9]{32}$/)
  const key = String(callback)
  const check = async () => jsonOf(await post('eq_callback.php', { action: 'check', key }))
  t.strictSame(await check(), { result: 'Not ready', key })
  control.advance(5)
  const answer = await jsonOf(await fetch(`${url}eq_callback.php?action=check&key=${key}`))
  t.match(answer, {
    result: 'OK',
    action: 'check',
    key,
    context: { message: [{ name: 'holiday-pictures' }, {}, {}], quota: Number }
  })
  t.strictSame(await check(), { code: -1, message: 'AsyncKey not found', key })
})

t.test('rmq=stall is never ready', async t => {
  const { s3, post, control } = await harness(t, { behaviours: { rmq: 'stall' } })
  const key = String((await s3('get_buckets_rmq', { s3uid }))['callback'])
  control.advance(1e9)
  t.strictSame(await jsonOf(await post('eq_callback.php', { action: 'check', key })), { result: 'Not ready', key })
})
