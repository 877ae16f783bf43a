import { demoJob, demoPausedJob, demoProgress, demoResults } from '../../../schemas/examples/index.ts'
import type { JobRecord, JobStore } from '../../store/jobs.ts'

/** Customer number of the sandbox's demo customer. */
const DEMO_CUSTOMER = '1002'

const recordOf = ({
  jobId,
  kind,
  s3uid,
  bucket,
  selection,
  createdAt,
  startedAt
}: Omit<typeof demoJob, 'counts'>): JobRecord => ({
  jobId,
  kind,
  tenant: DEMO_CUSTOMER,
  target: JSON.stringify([s3uid, bucket]),
  s3uid,
  bucket,
  selection,
  createdAt: Date.parse(createdAt),
  startedAt: Date.parse(startedAt),
  state: 'paused'
})

/** Two jobs that the store holds at start in front of the embedded sandbox, as examples to read. */
export const keepDemoJobs = async (store: JobStore): Promise<void> => {
  const { jobId, endedAt } = demoJob
  await store.create(
    recordOf(demoJob),
    '',
    demoResults.map(({ path }) => path)
  )
  await store.settle(
    jobId,
    demoResults.map(({ outcome }, index) => ({ seq: index + 1, verdict: outcome }))
  )
  const end = { state: 'succeeded', endedAt: Date.parse(endedAt), remaining: 0 } as const
  await store.change(jobId, ['paused'], end, { event: () => `end ${JSON.stringify(demoProgress)}` })
  await store.markRecorded(jobId)
  const { problem } = demoPausedJob
  await store.create({ ...recordOf({ ...demoJob, ...demoPausedJob }), problem }, '', [])
}
