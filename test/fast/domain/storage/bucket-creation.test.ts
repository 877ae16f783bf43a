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

t.test('pickCreatedBucket', async t => {
  t.equal(found(['logs', 'b0-photos', 'photos']), 'photos', 'the requested name comes before a name with a prefix')
  t.equal(found(['logs', 'b0-photos']), 'b0-photos', 'otherwise the new bucket with a prefix')
  t.equal(found(['a-photos', 'b0-photos'], ['a-photos']), 'b0-photos', 'not a bucket that existed before')
  t.equal(found(['a-photos'], ['a-photos']), undefined)
  t.equal(found(['photos', 'b0-photos'], ['photos']), 'b0-photos', 'although the older one has the requested name')
  t.equal(found(['a-photos', 'b0-photos']), undefined, 'none of two candidates')
  for (const other of ['b0-photos-old', 'myphotos', 'photos-b0']) {
    t.equal(found([other]), undefined, `${other} is another name`)
  }
})

const s3uid = 's3_user_1'
const named = (...names: string[]) => ({ message: names.map(name => ({ name })) })

/** An account with these lists of buckets in turn; the last one repeats. */
const account = async (t: Test, lists: Answer[], created: Answer = { message: { status: 200 } }) => {
  const { upstream, calls } = await fakeUpstream(t, {
    get_buckets: () => (lists.length > 1 ? lists.shift() : lists[0]),
    create_bucket: () => created
  })
  const create = () =>
    createVerifiedBucket(upstream, { s3uid, name: 'photos', verifyDelaysMs: [0, 30, 0] }, contextOf()).catch(
      error => error
    )
  return { upstream, create, sent: () => calls.map(({ action }) => action), calls }
}

t.test('the list of buckets', async t => {
  t.test('comes from get_buckets', async t => {
    const answer = { ...named('a'), bandwidth: 5 }
    const { upstream, calls } = await account(t, [answer])
    t.match(await readBuckets(upstream, s3uid, contextOf()), { answer, usage: undefined })
    t.strictSame(calls, [{ action: 'get_buckets', s3uid }])
  })

  t.test('comes from get_buckets_rmq when HOSTKEY has no get_buckets', async t => {
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

  t.test('is not requested again after any other refusal', async t => {
    const { upstream, sent } = await account(t, ['Permission denied'])
    t.ok(isProblem(await readBuckets(upstream, s3uid, contextOf()).catch(error => error), 'forbidden'))
    t.same(sent(), ['get_buckets'])
  })
})

t.test('a created bucket', async t => {
  t.test('is found under its actual name', async t => {
    const { create, calls, sent } = await account(t, [
      named('a-photos'),
      named('a-photos'),
      named('a-photos', 'b-photos')
    ])
    t.match(await create(), { name: 'b-photos' })
    t.same(sent(), ['get_buckets', 'create_bucket', 'get_buckets', 'get_buckets'])
    t.strictSame(calls[1], { action: 'create_bucket', s3uid, bucket_name: 'photos' })
  })
  t.test('is the new one with a prefix, not the older one with the requested name', async t => {
    const { create } = await account(t, [named('photos'), named('photos'), named('photos', 'b0-photos')])
    t.match(await create(), { name: 'b0-photos' })
    t.match(await (await account(t, [named('photos')])).create(), { name: 'photos' }, 'the older one, when none is new')
  })
  t.test('is undefined when it is not listed yet, or the list cannot be read', async t => {
    for (const list of [named(), undefined]) {
      const { create, sent } = await account(t, [named(), list])
      t.equal(await create(), undefined)
      t.equal(sent().filter(action => action === 'get_buckets').length, 4, 'one before, and one after each pause')
    }
  })
  t.test('is found when the answer was lost', async t => {
    const { create } = await account(t, [named('logs'), named('logs', 'photos')], null)
    t.match(await create(), { name: 'photos' })
  })
  t.test('is not searched for when the answer was lost and the name existed before', async t => {
    const { create, sent } = await account(t, [named('photos')], null)
    t.ok(isProblem(await create(), 'upstream-timeout'))
    t.same(sent(), ['get_buckets', 'create_bucket'])
  })
  t.test('is not searched for when HOSTKEY refuses', async t => {
    const { create, sent } = await account(t, [named()], 'Create bucket error: Bucket already exists')
    t.ok(isProblem(await create(), 'bucket-exists'))
    t.same(sent(), ['get_buckets', 'create_bucket'])
  })
  t.test('is not requested when the list before cannot be read', async t => {
    const { create, sent } = await account(t, [undefined])
    t.ok(isProblem(await create(), 'upstream-bad-response'))
    t.same(sent(), ['get_buckets'])
  })
})

t.test('the search ends when the bucket is listed, and at its deadline', async t => {
  const { upstream, sent } = await account(t, [named(), named('photos')])
  const search = { s3uid, name: 'photos', verifyDelaysMs: [0, 0, 0] }
  const before = new Set<string>()
  t.match(await findCreatedBucket(upstream, search, before, contextOf()), { name: 'photos' })
  t.equal(sent().length, 2)
  const expired = { ...contextOf(), deadlineAt: 0 }
  t.equal(await findCreatedBucket(upstream, search, before, expired), undefined)
  t.equal(sent().length, 2)
})
