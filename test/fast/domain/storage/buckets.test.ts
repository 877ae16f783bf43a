import t, { type Test } from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import {
  createVerifiedBucket,
  findCreatedBucket,
  pickCreatedBucket
} from '../../../../src/domain/storage/bucket-creation.ts'
import { readBuckets } from '../../../../src/domain/storage/bucket-list.ts'
import { type Answer, fakeUpstream } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const found = (listed: string[], before: string[] = []) =>
  pickCreatedBucket(
    listed.map(name => ({ name })),
    new Set(before),
    'photos'
  )?.name

t.test('the bucket that a create has made', async t => {
  t.equal(found(['logs', 'b0-photos', 'photos']), 'photos', 'the one of the wished name, before any with a prefix')
  t.equal(found(['logs', 'b0-photos']), 'b0-photos', 'else the new one with a prefix')
  t.equal(found(['a-photos', 'b0-photos'], ['a-photos']), 'b0-photos', 'not one that was there before')
  t.equal(found(['a-photos'], ['a-photos']), undefined)
  t.equal(found(['photos', 'b0-photos'], ['photos']), 'b0-photos', 'though that has the wished name')
  t.equal(found(['a-photos', 'b0-photos']), undefined, 'nobody knows which of two')
  for (const other of ['b0-photos-old', 'myphotos', 'photos-b0']) {
    t.equal(found([other]), undefined, `${other} merely holds the name`)
  }
})

const s3uid = 's3_user_1'
const named = (...names: string[]) => ({ message: names.map(name => ({ name })) })

/** An account whose lists come one after the other, the last one again and again. */
const account = async (t: Test, lists: Answer[], create: Answer = { message: { status: 200 } }) => {
  const { upstream, calls } = await fakeUpstream(t, {
    get_buckets: () => (lists.length > 1 ? lists.shift() : lists[0]),
    create_bucket: () => create
  })
  const made = () =>
    createVerifiedBucket(upstream, { s3uid, name: 'photos', verifyDelaysMs: [0, 30, 0] }, contextOf()).catch(
      error => error
    )
  return { upstream, made, sent: () => calls.map(({ action }) => action), calls }
}

t.test('the list of buckets', async t => {
  t.test('is that of get_buckets', async t => {
    const answer = { ...named('a'), bandwidth: 5 }
    const { upstream, calls } = await account(t, [answer])
    t.match(await readBuckets(upstream, s3uid, contextOf()), { answer, usage: undefined })
    t.strictSame(calls, [{ action: 'get_buckets', s3uid }])
  })

  t.test('is that of get_buckets_rmq where HOSTKEY has no get_buckets', async t => {
    const message = [{ name: 'a', usage: 3 }]
    const snapshots = [{ storage_usage: 1 }, { storage_usage: 3 }, { storage_usage: 2 }]
    for (const [more, fields] of [
      [
        { bandwidth: 0, snapshots },
        { bandwidth: 0, snapshot: { storage_usage: 2 } }
      ],
      [{ snapshots: [] }, {}],
      [{}, {}]
    ]) {
      const { upstream, calls } = await fakeUpstream(t, {
        get_buckets: () => 's3/get_buckets: invalid request',
        get_buckets_rmq: () => ({ message, ...more })
      })
      const { answer, usage } = await readBuckets(upstream, s3uid, contextOf())
      t.strictSame(answer, { message: [{ name: 'a' }], ...fields })
      t.strictSame(usage, message)
      t.strictSame(calls[1], { action: 'get_buckets_rmq', s3uid })
    }
  })

  t.test('is not asked for twice when it is refused for another reason', async t => {
    const { upstream, sent } = await account(t, ['Permission denied'])
    t.ok(isProblem(await readBuckets(upstream, s3uid, contextOf()).catch(error => error), 'forbidden'))
    t.same(sent(), ['get_buckets'])
  })
})

t.test('a bucket that is created', async t => {
  t.test('is looked for under its actual name', async t => {
    const { made, calls, sent } = await account(t, [
      named('a-photos'),
      named('a-photos'),
      named('a-photos', 'b-photos')
    ])
    t.match(await made(), { name: 'b-photos' })
    t.same(sent(), ['get_buckets', 'create_bucket', 'get_buckets', 'get_buckets'])
    t.strictSame(calls[1], { action: 'create_bucket', s3uid, bucket_name: 'photos' })
  })
  t.test('is not taken for the one of the wished name that was there before, while another is new', async t => {
    const { made } = await account(t, [named('photos'), named('photos'), named('photos', 'b0-photos')])
    t.match(await made(), { name: 'b0-photos' })
    t.match(await (await account(t, [named('photos')])).made(), { name: 'photos' }, 'unless none is')
  })
  t.test('is made though it is not listed yet, or the list cannot be read', async t => {
    for (const list of [named(), undefined]) {
      const { made, sent } = await account(t, [named(), list])
      t.equal(await made(), undefined)
      t.equal(sent().filter(action => action === 'get_buckets').length, 4, 'before, and after each pause')
    }
  })
  t.test('was made when it is seen, though the answer was lost', async t => {
    const { made } = await account(t, [named('logs'), named('logs', 'photos')], { message: [] })
    t.match(await made(), { name: 'photos' })
  })
  t.test('is not taken for one that was there before', async t => {
    const { made, sent } = await account(t, [named('photos')], { message: [] })
    t.ok(isProblem(await made(), 'upstream-bad-response'))
    t.same(sent(), ['get_buckets', 'create_bucket'], 'and not looked for')
  })
  t.test('is not looked for when HOSTKEY refuses', async t => {
    const { made, sent } = await account(t, [named()], 'Create bucket error: Bucket already exists')
    t.ok(isProblem(await made(), 'bucket-exists'))
    t.same(sent(), ['get_buckets', 'create_bucket'])
  })
  t.test('is not created when the list before cannot be read', async t => {
    const { made, sent } = await account(t, [undefined])
    t.ok(isProblem(await made(), 'upstream-bad-response'))
    t.same(sent(), ['get_buckets'])
  })
})

t.test('a look ends with the first that sees the bucket, and at the deadline', async t => {
  const { upstream, sent } = await account(t, [named(), named('photos')])
  const search = { s3uid, name: 'photos', verifyDelaysMs: [0, 0, 0] }
  const before = new Set<string>()
  t.match(await findCreatedBucket(upstream, search, before, contextOf()), { name: 'photos' })
  t.equal(sent().length, 2)
  const late = { ...contextOf(), deadlineAt: 0 }
  t.equal(await findCreatedBucket(upstream, search, before, late), undefined)
  t.equal(sent().length, 2)
})
