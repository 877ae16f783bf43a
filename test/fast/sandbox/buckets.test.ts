import t from 'tap'
import { bench, jsonOf, pluck } from './support.ts'

const s3uid = 's3_user_1'

t.test('a bucket can be made, listed and deleted while it is empty', async t => {
  const { s3, control } = await bench(t, { now: () => Date.UTC(2026, 0, 2) })
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

t.test('a deleted file is no longer listed, and no longer counted', async t => {
  const { s3, control } = await bench(t)
  const bucket = { s3uid, bucket_name: 'empty-bucket' }
  control.putFile('empty-bucket', 'a.txt', 5)
  control.putFile('empty-bucket', 'b.txt', 7)
  t.strictSame(pluck(await s3('get_files', bucket), 'files', 'key'), ['a.txt', 'b.txt'])
  await s3('delete_file', { ...bucket, filename: 'a.txt' })
  t.strictSame(pluck(await s3('get_files', bucket), 'files', 'key'), ['b.txt'])
  t.strictSame(pluck(await s3('get_buckets_rmq', { s3uid }), 'message', 'usage')[1], 7)
})

t.test('a name is taken when anybody has it, and refused when it breaks the rule', async t => {
  const { s3 } = await bench(t)
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

t.test('of many create_bucket for one name at once, one succeeds and the rest are refused', async t => {
  const { s3 } = await bench(t)
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => s3('create_bucket', { s3uid, bucket_name: 'photos' }))
  )
  t.equal(answers.filter(answer => answer['result'] === 'OK').length, 1)
  t.equal(answers.filter(answer => answer['message'] === 'Create bucket error: Bucket already exists').length, 7)
})

t.test('bucketPrefix=on puts a prefix before the name, and knows the bucket by nothing else', async t => {
  const { s3 } = await bench(t, { switches: { bucketPrefix: 'on' } })
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

t.test('getBuckets: absent refuses as an unknown action does; withKeys prints the key pair', async t => {
  const { s3, control } = await bench(t)
  control.set({ getBuckets: 'absent' })
  t.strictSame(await s3('get_buckets', { s3uid, token: 'dead' }), {
    code: -1,
    message: 's3/get_buckets: invalid request'
  })
  control.set({ getBuckets: 'withKeys' })
  t.match(await s3('get_buckets', { s3uid }), { access_key: /^[A-Z2-7]{20}$/, secret_key: /^[A-Za-z0-9]{40}$/ })
  control.set({ getBuckets: 'on' })
  t.notOk('access_key' in (await s3('get_buckets', { s3uid })))
})

t.test('disguised: create_bucket refuses under result OK', async t => {
  const { s3, control } = await bench(t, { switches: { disguised: true } })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'logs' }), { result: 'OK', message: { status: 409 } })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'Bad' }), { result: 'OK', message: { status: 400 } })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'photos' }), { result: 'OK', message: { status: 200 } })
  control.set({ disguised: 503 })
  t.match(await s3('create_bucket', { s3uid, bucket_name: 'videos' }), { result: 'OK', message: { status: 503 } })
  t.notOk(control.state().buckets.some(bucket => bucket.name === 'videos'))
})

t.test('createBucketHeaders=list prints the empty map as PHP does', async t => {
  const { s3 } = await bench(t, { switches: { createBucketHeaders: 'list' } })
  t.strictSame((await s3('create_bucket', { s3uid, bucket_name: 'photos' }))['message'], {
    status: 200,
    body: '',
    headers: []
  })
})

t.test('listLag hides a new bucket from so many lists', async t => {
  const { s3 } = await bench(t, { switches: { listLag: 2 } })
  await s3('create_bucket', { s3uid, bucket_name: 'photos' })
  const isListed = async () => pluck(await s3('get_buckets', { s3uid }), 'message', 'name').includes('photos')
  t.strictSame([await isListed(), await isListed(), await isListed()], [false, false, true])
})

t.test('rmq=callback answers with a key, and eq_callback.php gives the answer once it is ready, once', async t => {
  const { s3, post, control, url } = await bench(t, { switches: { rmq: 'callback', callbackSeconds: 5 } })
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
  const { s3, post, control } = await bench(t, { switches: { rmq: 'stall' } })
  const key = String((await s3('get_buckets_rmq', { s3uid }))['callback'])
  control.advance(1e9)
  t.strictSame(await jsonOf(await post('eq_callback.php', { action: 'check', key })), { result: 'Not ready', key })
})
