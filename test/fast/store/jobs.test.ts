import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createStores, type Stores } from '../../../src/store/index.ts'
import { type JobRecord, statisticsOf } from '../../../src/store/jobs.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { redisAt, redisServer } from '../../support/harness/redis.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

interface Opened {
  /** Opens the same store once more, as another process does. */
  open(): Promise<Stores>
  /** Everything that it holds, as text. */
  dump(): Promise<string>
}

/** The suite runs against each store. */
const stores: Record<string, (t: Test) => Promise<Opened>> = {
  async SQLite(t) {
    const dataDir = temporaryFolder(t)
    return {
      open: () => createStores({ kind: 'memory', dataDir, redis: redisAt('redis://127.0.0.1') }),
      dump: async () =>
        readdirSync(dataDir)
          .map(name => readFileSync(join(dataDir, name), 'latin1'))
          .join('\n')
    }
  },
  async Redis(t) {
    const server = await redisServer(t)
    const dataDir = temporaryFolder(t)
    return {
      open: () => createStores({ kind: 'redis', dataDir, redis: redisAt(server.url, { timeoutMs: 2000 }) }),
      dump: async () => (await server.dump()).join('\n')
    }
  }
}

const record = (more: Partial<JobRecord> = {}): JobRecord => ({
  jobId: randomUUID(),
  kind: 'test',
  tenant: '1',
  target: randomUUID(),
  s3uid: 's3_user_1',
  bucket: 'logs',
  selection: { all: true },
  createdAt: Date.now(),
  state: 'queued',
  ...more
})

const problem = { name: 'forbidden', status: 403, detail: 'No.' }

for (const [name, prepare] of Object.entries(stores)) {
  t.test(`jobs in ${name}`, async t => {
    const opened = await prepare(t)
    const openedStores: Stores[] = []
    const open = async () => {
      const each = await opened.open()
      openedStores.push(each)
      return each
    }
    t.after(async () => {
      for (const { jobs, jobQueue, store, durable } of openedStores) {
        await jobQueue.close()
        await Promise.all([jobs.close(), store.close(), durable.close()])
      }
    })
    const { jobs, jobQueue } = await open()
    const { jobs: elsewhere, jobQueue: otherQueue } = await open()

    t.test('a job is found by every process, with what was counted', async t => {
      const job = record()
      t.strictSame(await jobs.create(job, 'sealed', ['a', 'b']), { created: true })
      t.strictSame(await elsewhere.get(job.jobId), { ...job, found: 2, verdicts: {}, lastEventId: 0 })
      t.equal(await jobs.get(randomUUID()), undefined)
    })

    t.test('one open job works on a target, and a key belongs to one job', async t => {
      const job = record({ keyHash: randomUUID() })
      await jobs.create(job, '', [])
      t.strictSame(await elsewhere.create(record({ target: job.target }), '', []), { running: job.jobId })
      const again = await elsewhere.create(record({ keyHash: String(job.keyHash) }), '', [])
      t.match(again, { known: { jobId: job.jobId } })
      t.match(await elsewhere.findByKey(job.tenant, String(job.keyHash)), { jobId: job.jobId })
      t.equal(await jobs.findByKey('another', String(job.keyHash)), undefined)
      await jobs.change(job.jobId, ['queued'], { state: 'cancelled', endedAt: Date.now() })
      t.strictSame(await jobs.create(record({ target: job.target }), '', []), { created: true })
    })

    t.test('items are taken in order, once marked as sent, and settled once', async t => {
      const { jobId, ...rest } = record()
      await jobs.create({ jobId, ...rest }, '', [])
      t.equal(await jobs.addItems(jobId, ['a', 'b', 'c']), 3)
      t.equal(await elsewhere.addItems(jobId, ['c', 'd', 'd']), 1)
      const first = await jobs.takeItems(jobId, 0, 2)
      t.strictSame(first, [
        { seq: 1, key: 'a', wasSent: false },
        { seq: 2, key: 'b', wasSent: false }
      ])
      await jobs.returnItems(jobId, [2])
      t.strictSame(
        (await elsewhere.takeItems(jobId, 0, 10)).map(({ seq, wasSent }) => [seq, wasSent]),
        [
          [1, true],
          [2, false],
          [3, false],
          [4, false]
        ]
      )
      await jobs.settle(jobId, [
        { seq: 1, verdict: 'deleted' },
        { seq: 3, verdict: 'failed', problem }
      ])
      await jobs.settle(jobId, [{ seq: 1, verdict: 'missing' }])
      t.match(await jobs.get(jobId), { found: 4, verdicts: { deleted: 1, failed: 1 } })
      t.strictSame(
        (await jobs.takeItems(jobId, 0, 10)).map(({ seq }) => seq),
        [2, 4]
      )
      t.strictSame(
        [...(await jobs.verdictsOf(jobId, ['a', 'b', 'c', 'x']))],
        [
          ['a', 'deleted'],
          ['b', undefined],
          ['c', 'failed']
        ]
      )
      t.strictSame(await jobs.results(jobId, { after: 0, limit: 10 }), [
        { seq: 1, key: 'a', verdict: 'deleted' },
        { seq: 3, key: 'c', verdict: 'failed', problem }
      ])
      t.strictSame(await jobs.results(jobId, { after: 1, limit: 1 }), [
        { seq: 3, key: 'c', verdict: 'failed', problem }
      ])
      t.strictSame(
        (await jobs.results(jobId, { after: 0, limit: 10, verdict: 'deleted' })).map(({ seq }) => seq),
        [1]
      )
      t.strictSame(await jobs.results(jobId, { after: 1, limit: 10, verdict: 'deleted' }), [])
      await jobs.settleRest(jobId, 'failed', problem)
      t.match(await jobs.get(jobId), { verdicts: { deleted: 1, failed: 3 } })
      t.strictSame(await jobs.takeItems(jobId, 0, 10), [])
    })

    t.test('as many jobs of a customer run as may', async t => {
      const tenant = randomUUID()
      const made = [record({ tenant }), record({ tenant }), record({ tenant })]
      for (const job of made) await jobs.create(job, `sealed ${job.jobId}`, [])
      const [first, second, third] = made.map(({ jobId }) => jobId)
      t.match(await jobs.start(String(first), 2, 5), {
        job: { state: 'running', startedAt: 5 },
        credential: /^sealed /
      })
      t.match(await elsewhere.start(String(second), 2, 6), { job: { state: 'running' } })
      t.equal(await jobs.start(String(third), 2, 7), 'later')
      t.match(await elsewhere.start(String(first), 2, 8), { job: { state: 'running', startedAt: 5 } }, 'taken over')
      await jobs.change(String(first), ['running'], { state: 'succeeded', endedAt: 9 })
      t.equal(await jobs.start(String(first), 2, 10), undefined)
      t.match(await jobs.start(String(third), 2, 10), { job: { state: 'running' } })
    })

    t.test('a change is refused in another state, and removes members', async t => {
      const job = record({ problem })
      await jobs.create(job, '', [])
      t.equal(await jobs.change(job.jobId, ['running'], { state: 'paused' }), undefined)
      const { problem: _, ...rest } = job
      t.strictSame(await jobs.change(job.jobId, ['queued'], { state: 'paused', problem: undefined }), {
        ...rest,
        state: 'paused',
        found: 0,
        verdicts: {},
        lastEventId: 0,
        problem: undefined
      })
      t.notOk(Object.hasOwn((await jobs.get(job.jobId)) ?? {}, 'problem'))
    })

    t.test('the jobs of a customer, the newest first', async t => {
      const tenant = randomUUID()
      const ids: string[] = []
      for (const state of ['queued', 'paused', 'queued'] as const) {
        const job = record({ tenant, state, s3uid: `s3_${state}`, madeBy: `hkt:${state}` })
        await jobs.create(job, '', [])
        ids.unshift(job.jobId)
      }
      const page = await elsewhere.list(tenant, { limit: 2 })
      t.strictSame(
        page.jobs.map(({ jobId }) => jobId),
        ids.slice(0, 2)
      )
      const rest = await jobs.list(tenant, { limit: 2, before: String(page.jobs.at(-1)?.jobId) })
      t.strictSame(
        rest.jobs.map(({ jobId }) => jobId),
        ids.slice(2)
      )
      t.strictSame([page.hasMore, rest.hasMore], [true, false])
      const paused = await jobs.list(tenant, { limit: 1, state: 'paused' })
      t.strictSame(
        paused.jobs.map(({ jobId }) => jobId),
        ids.slice(1, 2)
      )
      const ofAccount = await jobs.list(tenant, { limit: 1, accounts: ['s3_paused', 's3_other'] })
      t.strictSame([ofAccount.jobs.map(({ jobId }) => jobId), ofAccount.hasMore], [ids.slice(1, 2), false])
      const ofCaller = await jobs.list(tenant, { limit: 1, madeBy: 'hkt:paused' })
      t.strictSame([ofCaller.jobs.map(({ jobId }) => jobId), ofCaller.hasMore], [ids.slice(1, 2), false])
      t.strictSame(await jobs.list(tenant, { limit: 1, before: randomUUID() }), { jobs: [], hasMore: false })
    })

    t.test('events are numbered without a gap', async t => {
      const { jobId, ...rest } = record()
      await jobs.create({ jobId, ...rest }, '', [])
      await jobs.addEvent(jobId, 'one')
      await elsewhere.addEvent(jobId, 'two')
      await jobs.change(jobId, ['queued'], { state: 'cancelled', endedAt: 1 }, { event: ({ state }) => state })
      t.strictSame(await jobs.events(jobId, { after: 0, limit: 2 }), [
        { id: 1, data: 'one' },
        { id: 2, data: 'two' }
      ])
      t.strictSame(await elsewhere.events(jobId, { after: 2, limit: 9 }), [{ id: 3, data: 'cancelled' }])
      t.equal((await jobs.get(jobId))?.lastEventId, 3)
    })

    t.test('a job that ended or paused is unrecorded until it is recorded, and an open one is listed', async t => {
      const unrecorded = async () => (await elsewhere.listUnrecorded()).map(({ jobId }) => jobId)
      const open = async () => (await elsewhere.listOpen()).map(({ jobId }) => jobId)
      const { jobId, ...rest } = record()
      await jobs.create({ jobId, ...rest }, '', [])
      await jobs.change(jobId, ['queued'], { state: 'running' })
      t.notOk((await unrecorded()).includes(jobId))
      await jobs.change(jobId, ['running'], { state: 'paused', pausedAt: 1 })
      t.ok((await unrecorded()).includes(jobId))
      t.ok((await open()).includes(jobId))
      await jobs.markRecorded(jobId)
      t.notOk((await unrecorded()).includes(jobId))
      await jobs.change(jobId, ['paused'], { state: 'succeeded', endedAt: Date.now() })
      t.ok((await unrecorded()).includes(jobId))
      t.notOk((await open()).includes(jobId))
      await jobs.markRecorded(jobId)
    })

    t.test('nothing of a credential is left when the job has ended', async t => {
      const job = record()
      await jobs.create(job, 'credential-of-a-job', ['a'])
      t.match(await opened.dump(), /credential-of-a-job/)
      await jobs.change(job.jobId, ['queued'], { state: 'cancelled', endedAt: Date.now() })
      t.equal(await jobs.start(job.jobId, 2, 1), undefined)
      const held = await opened.dump()
      if (name === 'Redis') t.notMatch(held, /credential-of-a-job/)
    })

    t.test('each job is worked on by one process at a time, again when it asks, and taken over', async t => {
      const worked: string[] = []
      const job = record()
      await jobs.create(job, '', [])
      let turns = 0
      const work = (who: string) => async (jobId: string) => {
        if (jobId !== job.jobId) return 'done' as const
        worked.push(who)
        turns += 1
        await pause(20)
        return turns < 3 ? ('later' as const) : ('done' as const)
      }
      jobQueue.work(work('one'), async () => undefined)
      otherQueue.work(work('two'), async () => undefined)
      await jobQueue.add(job.jobId)
      t.ok(await eventually(() => turns === 3), worked.join())
      await pause(50)
      t.equal(turns, 3)
    })

    t.test('statistics and check', async t => {
      const { states, oldestQueuedAt } = statisticsOf(await jobs.listOpen())
      t.ok((states.queued ?? 0) > 0)
      t.type(oldestQueuedAt, 'number')
      t.equal(await jobs.check(), undefined)
    })
  })
}
