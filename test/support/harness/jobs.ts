import { setTimeout as pause } from 'node:timers/promises'
import type { Job } from '../../../schemas/jobs.ts'
import type { Gateway, SendOptions } from './gateway.ts'

/** The bucket of the fixture without files. */
export const BUCKET = 'empty-bucket'
export const DELETIONS = `/accounts/s3_user_1/buckets/${BUCKET}/file-deletions`
export const ALL = { all: true, confirm: BUCKET }

/** Puts files into the bucket, and tells which are left, in order. */
export const filesOf = (control: Gateway['sandbox']['control']) => ({
  put(...paths: string[]) {
    for (const path of paths) control.putFile(BUCKET, path)
  },
  left: () =>
    control
      .state()
      .buckets.find(({ name }) => name === BUCKET)
      ?.files.map(([path]) => path)
      .sort()
})

type Sender = Pick<Gateway, 'get' | 'post'>

/** Asks for a job. */
export const createJob = async (at: Sender, body: object, options: SendOptions = {}): Promise<Job> => {
  const headers = { prefer: 'respond-async', ...options.headers }
  const reply = await at.post(DELETIONS, body, { ...options, headers })
  if (reply.statusCode !== 202) throw new Error(`${reply.statusCode} ${reply.text}`)
  return reply.json()
}

/** A job that does not end: HOSTKEY throttles it. */
export const openJob = async (at: Pick<Gateway, 'get' | 'post' | 'sandbox'>): Promise<Job> => {
  const { control } = at.sandbox
  for (let n = 0; n < 20; n += 1) control.putFile(BUCKET, `file-${n}`)
  control.fault({ kind: 'throttled', action: 'delete_file' })
  return createJob(at, ALL)
}

/** Waits until a job is in none of these states. */
export const jobAfter = async (
  at: Pick<Gateway, 'get'>,
  jobId: string,
  { states = ['queued', 'running'], options = {} }: { states?: string[]; options?: SendOptions } = {}
): Promise<Job> => {
  for (let tries = 0; tries < 600; tries += 1) {
    const reply = await at.get(`/jobs/${jobId}`, options)
    if (reply.statusCode === 200) {
      const job: Job = reply.json()
      if (!states.includes(job.state)) return job
    }
    await pause(25)
  }
  throw new Error(`the job ${jobId} does not end`)
}

/** The outcome of each path. */
export const outcomesOf = async (at: Pick<Gateway, 'get'>, jobId: string): Promise<Map<string, string>> => {
  const { text } = await at.get(`/jobs/${jobId}/result-stream`)
  const lines: { result?: { path: string; outcome: string } }[] = text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  return new Map(lines.flatMap(({ result }) => (result ? [[result.path, result.outcome]] : [])))
}
