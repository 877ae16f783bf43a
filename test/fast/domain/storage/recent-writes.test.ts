import t, { type Test } from 'tap'
import type { Caller } from '../../../../src/core/caller.ts'
import { Problem } from '../../../../src/core/problem.ts'
import { createRecentWrites } from '../../../../src/domain/storage/recent-writes.ts'
import { type Store, StoreUnavailable } from '../../../../src/store/index.ts'
import { createMemoryStore } from '../../../../src/store/memory.ts'
import { fails } from '../../../support/assert/expect.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const unused = () => Promise.reject(new Error('not called'))
const callerOf = (id: string): Caller => ({
  authScheme: 'bearer',
  id,
  share: id,
  limitFactor: 1,
  accounts: undefined,
  token: unused,
  grants: unused,
  identity: unused,
  refreshToken: unused
})
const me = callerOf('customer:1')
const other = callerOf('customer:2')
const target = ['s3_user_1', 'photos']

const failing = (problem: Problem) => () => Promise.reject(problem)
const done = async () => 'done'
const missing = new Problem('bucket-not-found', 'no such bucket')
const taken = new Problem('bucket-exists', 'taken')
const lost = new Problem('upstream-timeout', 'no answer', { outcome: 'unknown' })
const unreadable = new Problem('upstream-bad-response', 'unreadable', { outcome: 'unknown' })
const notApplied = new Problem('upstream-bad-response', 'nothing was deleted', { outcome: 'not-applied' })

const recentWritesOf = (t: Test) => {
  const store = createMemoryStore()
  t.teardown(() => store.close())
  return createRecentWrites(store)
}

t.test('a repeated deletion', async t => {
  for (const first of [lost, unreadable]) {
    t.test(`succeeds after one whose answer was lost (${first.problem})`, async t => {
      const recent = recentWritesOf(t)
      await t.rejects(recent.runDeletion(me, target, failing(first)), first)
      await t.resolves(recent.runDeletion(me, target, failing(missing)))
      await t.resolves(recent.runDeletion(me, target, failing(missing)), 'again')
    })
  }

  t.test('fails after one that deleted nothing', async t => {
    const recent = recentWritesOf(t)
    await t.rejects(recent.runDeletion(me, target, failing(notApplied)), notApplied)
    await t.rejects(recent.runDeletion(me, target, failing(missing)), missing)
    await t.rejects(recent.runDeletion(me, target, failing(missing)), missing, 'a refusal is not remembered')
  })

  t.test('fails for another caller, for another target, and after the target was created again', async t => {
    const recent = recentWritesOf(t)
    await recent.runDeletion(me, target, done)
    await t.rejects(recent.runDeletion(other, target, failing(missing)), missing)
    await t.rejects(recent.runDeletion(me, ['s3_user_1', 'photos2'], failing(missing)), missing)
    await t.rejects(recent.runDeletion(me, ['s3_user_1'], failing(missing)), missing)
    await recent.forgetDeletion(me, target)
    await t.rejects(recent.runDeletion(me, target, failing(missing)), missing)
  })

  t.test('fails with any other refusal of HOSTKEY', async t => {
    const recent = recentWritesOf(t)
    await recent.runDeletion(me, target, done)
    const denied = new Problem('forbidden', 'no')
    await t.rejects(recent.runDeletion(me, target, failing(denied)), denied)
    await t.rejects(recent.runDeletion(me, target, failing(taken)), taken)
  })
})

t.test('a repeated creation', async t => {
  const find = async () => 'found'

  t.test('finds what the first one created, whose answer was lost', async t => {
    const recent = recentWritesOf(t)
    await t.rejects(recent.runCreation(me, target, { create: failing(lost), find: unused }), lost)
    t.equal(await recent.runCreation(me, target, { create: failing(taken), find }), 'found')
    t.equal(await recent.runCreation(me, target, { create: done, find: unused }), 'done')
  })

  t.test('fails when no answer was lost before, for another caller, and for another target', async t => {
    const recent = recentWritesOf(t)
    await recent.runCreation(me, target, { create: done, find: unused })
    await t.rejects(recent.runCreation(me, target, { create: failing(taken), find: unused }), taken)
    await t.rejects(recent.runCreation(me, target, { create: failing(notApplied), find: unused }), notApplied)
    await t.rejects(recent.runCreation(me, target, { create: failing(taken), find: unused }), taken)
    await t.rejects(recent.runCreation(me, target, { create: failing(lost), find: unused }), lost)
    await t.rejects(recent.runCreation(other, target, { create: failing(taken), find: unused }), taken)
    await t.rejects(recent.runCreation(me, ['s3_user_1', 'b'], { create: failing(taken), find: unused }), taken)
  })

  t.test('fails when the target is not found: it belongs to another customer', async t => {
    const recent = recentWritesOf(t)
    await t.rejects(recent.runCreation(me, target, { create: failing(lost), find: unused }), lost)
    await t.rejects(recent.runCreation(me, target, { create: failing(taken), find: async () => undefined }), taken)
  })
})

t.test('a repeated creation does not succeed after a deletion, nor a deletion after a creation', async t => {
  const recent = recentWritesOf(t)
  await recent.runDeletion(me, target, done)
  await t.rejects(recent.runCreation(me, target, { create: failing(taken), find: async () => 'found' }), taken)
  const second = recentWritesOf(t)
  await t.rejects(second.runCreation(me, target, { create: failing(lost), find: unused }), lost)
  await t.rejects(second.runDeletion(me, target, failing(missing)), missing)
})

t.test('writes are remembered for ten minutes', async t => {
  const lives: number[] = []
  const store = createMemoryStore()
  t.teardown(() => store.close())
  const recent = createRecentWrites({
    ...store,
    put: (name, value, ms) => {
      lives.push(ms)
      return store.put(name, value, ms)
    }
  })
  await recent.runDeletion(me, target, done)
  await t.rejects(recent.runCreation(me, target, { create: failing(lost), find: unused }), lost)
  t.strictSame(lives, [600_000, 600_000])
})

t.test('while the store is down every write gets the answer of HOSTKEY', async t => {
  const down = () => Promise.reject(new StoreUnavailable('down'))
  const memory = createMemoryStore()
  t.teardown(() => memory.close())
  const store: Store = { ...memory, put: down, get: down, remove: down }
  const recent = createRecentWrites(store)
  await t.resolves(recent.runDeletion(me, target, done))
  await t.rejects(recent.runDeletion(me, target, failing(missing)), missing)
  await t.rejects(recent.runCreation(me, target, { create: failing(lost), find: unused }), lost)
  await t.rejects(recent.runCreation(me, target, { create: failing(taken), find: unused }), taken)
  await t.resolves(recent.forgetDeletion(me, target))
})

t.test('a repeated write at the gateway', async t => {
  const { post, del, sandbox } = await gateway(t)
  const { control } = sandbox
  const create = (name: string) => post('/accounts/s3_user_1/buckets', { name })
  const bucket = '/accounts/s3_user_1/buckets/photos'

  t.test('201 when the answer to the first creation was lost, 409 bucket-exists for an older bucket', async t => {
    control.fault({ kind: 'truncated', action: 'create_bucket', count: 1 })
    control.setBehaviours({ listLag: 4 })
    fails(t, await create('late'), 502, 'upstream-bad-response', { outcome: 'unknown' })
    control.setBehaviours({ listLag: 0 })
    const reply = await create('late')
    t.equal(reply.statusCode, 201, reply.text)
    t.hasStrict(reply.json(), { name: 'late', warnings: [] })
    fails(t, await create('logs'), 409, 'bucket-exists')
  })

  t.test('409 bucket-exists when the lost answer was about another customer’s bucket', async t => {
    control.fault({ kind: 'html-502-after', action: 'create_bucket', count: 1 })
    fails(t, await create('other-bucket'), 502, 'upstream-bad-response', { outcome: 'unknown' })
    fails(t, await create('other-bucket'), 409, 'bucket-exists', { outcome: 'not-applied' })
  })

  t.test('204 when the answer to the first deletion was lost and could not be verified', async t => {
    control.fault({ kind: 'truncated', action: 'delete_bucket', count: 1 })
    control.fault({ kind: 'html-200', action: 'get_buckets', count: 3 })
    const remove = () => del('/accounts/s3_user_1/buckets/empty-bucket')
    fails(t, await remove(), 502, 'upstream-bad-response', { outcome: 'unknown' })
    t.equal((await remove()).statusCode, 204)
  })

  t.test('204 again for a bucket, a file and an account; 404 for another caller', async t => {
    await create('photos')
    control.putFile('logs', 'a.txt')
    const headers = { 'confirm-delete': 's3_user_1' }
    for (const target of [bucket, '/accounts/s3_user_1/buckets/logs/files?path=a.txt', '/accounts/s3_user_1']) {
      for (const status of [204, 204]) t.equal((await del(target, { headers })).statusCode, status, target)
      t.equal((await del(target, { headers, token: control.tokenOf('other') })).statusCode, 404, target)
    }
  })

  t.test('404 bucket-not-found after the bucket was created again', async t => {
    control.reset()
    await create('photos')
    control.fault({ kind: 'refusal', text: 'NoSuchBucket', action: 'delete_bucket', count: 1 })
    fails(t, await del(bucket), 404, 'bucket-not-found')
  })
})
