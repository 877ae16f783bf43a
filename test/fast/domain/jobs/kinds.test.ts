import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import { createLinks } from '../../../../src/core/links.ts'
import { Problem } from '../../../../src/core/problem.ts'
import type { JobEnd } from '../../../../src/domain/jobs/job-models.ts'
import { createJobs } from '../../../../src/domain/jobs/jobs.ts'
import type { JobKind } from '../../../../src/domain/jobs/kind.ts'
import type { JobRecord, JobState } from '../../../../src/store/jobs.ts'
import { createSqliteJobs } from '../../../../src/store/sqlite-jobs.ts'
import { contextOf } from '../../../support/harness/contexts.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'

const DAY_MS = 24 * 3_600_000

/** A kind is a declaration: nothing else knows it. */
const kind: JobKind = {
  name: 'measurement',
  auditEvent: 'files.delete',
  selection: Type.Object({ all: Type.Literal(true) }),
  describe: () => 'all of it',
  verdicts: ['even', 'odd', 'broken'],
  failed: 'broken',
  list: () => undefined,
  step: async (_target, { key }) => (Number(key) % 2 === 0 ? 'even' : 'odd')
}

const engine = (t: Test, step: JobKind['step'] = kind.step) => {
  const { jobs: store, queue } = createSqliteJobs({ dataDir: temporaryFolder(t), isEphemeral: true })
  const ends: JobEnd[] = []
  const { caller } = contextOf()
  const jobs = createJobs({
    kinds: [{ ...kind, step }],
    links: createLinks(''),
    jobs: store,
    queue,
    credentials: { keep: async () => 'sealed', open: () => caller, isAlive: async () => true },
    listOrderedBy: async () => new Set<string>(),
    onVerdicts: () => undefined,
    onEnd: end => ends.push(end),
    onNewer: () => undefined
  })
  t.after(async () => {
    await queue.close()
    await store.close()
  })
  /** A job that a gateway has left in this state. */
  const leave = async (state: JobState, change: Partial<JobRecord>): Promise<JobRecord> => {
    const record: JobRecord = {
      jobId: randomUUID(),
      kind: kind.name,
      tenant: '1002',
      target: randomUUID(),
      s3uid: 's3_user_1',
      bucket: 'logs',
      selection: { all: true },
      createdAt: Date.now() - 9 * DAY_MS,
      state: 'running'
    }
    await store.create(record, 'sealed', ['1'])
    await store.change(record.jobId, ['running'], { state, ...change })
    return record
  }
  return { store, jobs, ends, leave }
}

t.test('a job of any kind runs, and is reported in the words of its kind', async t => {
  const { store, jobs, ends } = engine(t)
  jobs.start()
  const context = contextOf()
  const requested = { kind: kind.name, s3uid: 's3_user_1', bucket: 'logs', selection: { all: true }, body: {} }
  const { jobId, counts } = await jobs.create(context, {
    ...requested,
    keys: ['1', '2', '3'],
    idempotencyKey: undefined,
    check: async () => undefined
  })
  t.strictSame(counts, { found: 3, even: 0, odd: 0, broken: 0, remaining: null })
  t.ok(await eventually(() => ends.length === 1))
  t.match(ends, [{ jobId, outcome: 'succeeded', selection: 'all of it', counts: 'even 1, odd 2, broken 0' }])
  t.match(await jobs.get(context, jobId), { kind: 'measurement', counts: { found: 3, even: 1, odd: 2, remaining: 0 } })
  t.ok(await eventually(async () => (await store.listUnrecorded()).length === 0))
})

t.test('an item whose answer is lost is sent 8 times, one that is refused for now 5 times', async t => {
  const failures = { lost: 'upstream-timeout', refused: 'upstream-storage-error' } as const
  const sent: string[] = []
  const { jobs, ends } = engine(t, async (_target, { key }) => {
    sent.push(key)
    const [name, passesAt] = key.split(' ') as [keyof typeof failures, string]
    if (sent.filter(each => each === key).length === Number(passesAt)) return 'odd'
    throw new Problem(failures[name], 'No.', { outcome: 'unknown', retryAfterSeconds: 0.01 })
  })
  jobs.start()
  const requested = { kind: kind.name, s3uid: 's3_user_1', bucket: 'logs', selection: { all: true }, body: {} }
  const keys = ['lost 8', 'lost 9', 'refused 5', 'refused 6']
  await jobs.create(contextOf(), { ...requested, keys, idempotencyKey: undefined, check: async () => undefined })
  t.ok(await eventually(() => ends.length === 1))
  t.match(ends, [{ outcome: 'partly-failed', counts: 'even 0, odd 2, broken 2' }])
  t.strictSame(
    keys.map(key => sent.filter(each => each === key).length),
    [8, 8, 5, 5]
  )
})

t.test('an end that a crash kept from the audit log is recorded at the next start', async t => {
  const { store, jobs, ends, leave } = engine(t)
  const lost = await leave('succeeded', { endedAt: Date.now() - 60_000 })
  const recorded = await leave('succeeded', { endedAt: Date.now() - 60_000 })
  await store.markRecorded(recorded.jobId)
  const fresh = await leave('cancelled', { endedAt: Date.now() })
  jobs.start()
  t.ok(await eventually(() => ends.length > 0))
  t.match(ends, [{ jobId: lost.jobId, outcome: 'succeeded', counts: 'even 0, odd 0, broken 0', customerId: 1002 }])
  t.strictSame(
    (await store.listUnrecorded()).map(({ jobId }) => jobId),
    [fresh.jobId],
    'the replica that ended it may be about to record it'
  )
})

t.test('a job that was paused for 7 days ends, and frees its bucket', async t => {
  const { store, jobs, ends, leave } = engine(t)
  const problem = { name: 'invalid-token', status: 401, detail: 'No.' }
  const old = await leave('paused', { pausedAt: Date.now() - 8 * DAY_MS, problem })
  const young = await leave('paused', { pausedAt: Date.now() - 6 * DAY_MS, problem })
  for (const { jobId } of [old, young]) await store.markRecorded(jobId)
  jobs.start()
  t.ok(await eventually(() => ends.length === 1))
  t.match(ends, [{ jobId: old.jobId, outcome: 'invalid-token' }])
  t.match(await store.get(old.jobId), { state: 'partly-failed', problem, remaining: null })
  t.match(await store.events(old.jobId, { after: 0, limit: 9 }), [{ data: /^end / }])
  t.match(await store.get(young.jobId), { state: 'paused' })
  t.strictSame(await store.create({ ...old, jobId: randomUUID() }, '', []), { created: true })
})
