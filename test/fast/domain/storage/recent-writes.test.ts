import t, { type Test } from 'tap'
import type { Caller } from '../../../../src/core/caller.ts'
import { Problem } from '../../../../src/core/problem.ts'
import { createRecentWrites } from '../../../../src/domain/storage/recent-writes.ts'
import { type Store, StoreUnavailable } from '../../../../src/store/index.ts'
import { createMemoryStore } from '../../../../src/store/memory.ts'
import { fails } from '../../../support/assert/expect.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const unused = () => Promise.reject(new Error('not asked'))
const callerOf = (id: string): Caller => ({
  authScheme: 'bearer',
  id,
  limitFactor: 1,
  accounts: undefined,
  token: unused,
  grants: unused,
  identity: unused,
  refreshToken: unused
})
const me = callerOf('customer:1')
const another = callerOf('customer:2')
const target = ['s3_user_1', 'photos']

const refuses = (problem: Problem) => () => Promise.reject(problem)
const done = async () => 'done'
const gone = new Problem('bucket-not-found', 'no such bucket')
const taken = new Problem('bucket-exists', 'taken')
const lost = new Problem('upstream-timeout', 'no answer', { outcome: 'unknown' })
const spoilt = new Problem('upstream-bad-response', 'no sense', { outcome: 'unknown' })
const notDone = new Problem('upstream-bad-response', 'not done', { outcome: 'not-applied' })

const fresh = (t: Test) => {
  const store = createMemoryStore()
  t.teardown(() => store.close())
  return createRecentWrites(store)
}

t.test('a deletion that is repeated', async t => {
  for (const first of [lost, spoilt]) {
    t.test(`succeeds after one that was lost (${first.problem})`, async t => {
      const recent = fresh(t)
      await t.rejects(recent.runDeletion(me, target, refuses(first)), first)
      await t.resolves(recent.runDeletion(me, target, refuses(gone)))
      await t.resolves(recent.runDeletion(me, target, refuses(gone)), 'and again')
    })
  }

  t.test('fails after one of which it is known that it did nothing', async t => {
    const recent = fresh(t)
    await t.rejects(recent.runDeletion(me, target, refuses(notDone)), notDone)
    await t.rejects(recent.runDeletion(me, target, refuses(gone)), gone)
    await t.rejects(recent.runDeletion(me, target, refuses(gone)), gone, 'its own refusal is not remembered')
  })

  t.test('fails for another caller, another target, and when the target was made again', async t => {
    const recent = fresh(t)
    await recent.runDeletion(me, target, done)
    await t.rejects(recent.runDeletion(another, target, refuses(gone)), gone)
    await t.rejects(recent.runDeletion(me, ['s3_user_1', 'photos2'], refuses(gone)), gone)
    await t.rejects(recent.runDeletion(me, ['s3_user_1'], refuses(gone)), gone)
    await recent.forgetDeletion(me, target)
    await t.rejects(recent.runDeletion(me, target, refuses(gone)), gone)
  })

  t.test('fails as HOSTKEY says when it says something else', async t => {
    const recent = fresh(t)
    await recent.runDeletion(me, target, done)
    const denied = new Problem('forbidden', 'no')
    await t.rejects(recent.runDeletion(me, target, refuses(denied)), denied)
    await t.rejects(recent.runDeletion(me, target, refuses(taken)), taken)
  })
})

t.test('a creation that is repeated', async t => {
  const find = async () => 'found'

  t.test('finds what the lost one has made', async t => {
    const recent = fresh(t)
    await t.rejects(recent.runCreation(me, target, { create: refuses(lost), find: unused }), lost)
    t.equal(await recent.runCreation(me, target, { create: refuses(taken), find }), 'found')
    t.equal(await recent.runCreation(me, target, { create: done, find: unused }), 'done')
  })

  t.test('fails when nothing was lost before, for another caller, and for another target', async t => {
    const recent = fresh(t)
    await recent.runCreation(me, target, { create: done, find: unused })
    await t.rejects(recent.runCreation(me, target, { create: refuses(taken), find: unused }), taken)
    await t.rejects(recent.runCreation(me, target, { create: refuses(notDone), find: unused }), notDone)
    await t.rejects(recent.runCreation(me, target, { create: refuses(taken), find: unused }), taken)
    await t.rejects(recent.runCreation(me, target, { create: refuses(lost), find: unused }), lost)
    await t.rejects(recent.runCreation(another, target, { create: refuses(taken), find: unused }), taken)
    await t.rejects(recent.runCreation(me, ['s3_user_1', 'b'], { create: refuses(taken), find: unused }), taken)
  })

  t.test('fails when it cannot be found: the name is somebody else’s', async t => {
    const recent = fresh(t)
    await t.rejects(recent.runCreation(me, target, { create: refuses(lost), find: unused }), lost)
    await t.rejects(recent.runCreation(me, target, { create: refuses(taken), find: async () => undefined }), taken)
  })
})

t.test('a deletion is not taken for a creation, nor a creation for a deletion', async t => {
  const recent = fresh(t)
  await recent.runDeletion(me, target, done)
  await t.rejects(recent.runCreation(me, target, { create: refuses(taken), find: async () => 'found' }), taken)
  const other = fresh(t)
  await t.rejects(other.runCreation(me, target, { create: refuses(lost), find: unused }), lost)
  await t.rejects(other.runDeletion(me, target, refuses(gone)), gone)
})

t.test('ten minutes are remembered, and no more', async t => {
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
  await t.rejects(recent.runCreation(me, target, { create: refuses(lost), find: unused }), lost)
  t.strictSame(lives, [600_000, 600_000])
})

t.test('without its store every write gets what HOSTKEY says', async t => {
  const down = () => Promise.reject(new StoreUnavailable('down'))
  const memory = createMemoryStore()
  t.teardown(() => memory.close())
  const store: Store = { ...memory, put: down, get: down, remove: down }
  const recent = createRecentWrites(store)
  await t.resolves(recent.runDeletion(me, target, done))
  await t.rejects(recent.runDeletion(me, target, refuses(gone)), gone)
  await t.rejects(recent.runCreation(me, target, { create: refuses(lost), find: unused }), lost)
  await t.rejects(recent.runCreation(me, target, { create: refuses(taken), find: unused }), taken)
  await t.resolves(recent.forgetDeletion(me, target))
})

t.test('over the wire', async t => {
  const { post, del, sandbox } = await gateway(t)
  const { control } = sandbox
  const create = (name: string, token = sandbox.demo.token) => post('/accounts/s3_user_1/buckets', { name }, { token })

  t.test('201 when a creation is repeated whose answer was lost, and 409 for a name of long ago', async t => {
    control.fault({ kind: 'truncated', action: 'create_bucket', count: 1 })
    control.setBehaviours({ listLag: 4 })
    fails(t, await create('late'), 502, 'upstream-bad-response', { outcome: 'unknown' })
    control.setBehaviours({ listLag: 0 })
    const reply = await create('late')
    t.equal(reply.statusCode, 201, reply.text)
    t.hasStrict(reply.json(), { name: 'late', warnings: [] })
    fails(t, await create('logs'), 409, 'bucket-exists')
  })

  t.test('409 bucket-exists when the lost creation was of another customer’s bucket', async t => {
    control.fault({ kind: 'html-502-after', action: 'create_bucket', count: 1 })
    fails(t, await create('other-bucket'), 502, 'upstream-bad-response', { outcome: 'unknown' })
    fails(t, await create('other-bucket'), 409, 'bucket-exists', { outcome: 'not-applied' })
  })

  t.test('204 when a deletion is repeated whose answer was lost and of which no list told', async t => {
    control.fault({ kind: 'truncated', action: 'delete_bucket', count: 1 })
    control.fault({ kind: 'html-200', action: 'get_buckets', count: 3 })
    const remove = () => del('/accounts/s3_user_1/buckets/empty-bucket')
    fails(t, await remove(), 502, 'upstream-bad-response', { outcome: 'unknown' })
    t.equal((await remove()).statusCode, 204)
  })
})
