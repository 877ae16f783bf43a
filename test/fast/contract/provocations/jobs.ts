import { demoJob, demoPausedJob } from '../../../../schemas/examples/index.ts'
import { byRequest, type Provocations } from './provocation.ts'

/** Refusals of the jobs that the embedded sandbox starts with. */
export const jobs: Provocations = {
  'job-running': byRequest(() => ({
    parameters: { bucket: demoPausedJob.bucket, prefer: 'respond-async' }
  })),
  'job-not-found': byRequest(() => ({ parameters: { jobId: '00000000-0000-4000-8000-000000000000' } })),
  'job-not-resumable': byRequest(() => ({ parameters: { jobId: demoJob.jobId } }))
}
