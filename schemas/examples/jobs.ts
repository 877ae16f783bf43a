import { type Example, NO_LOGINS, type ProblemExample, UNKNOWN_TOKEN } from './example.ts'

const linksOf = (jobId: string) => ({
  self: `/jobs/${jobId}`,
  results: `/jobs/${jobId}/results`,
  events: `/jobs/${jobId}/events`
})

const ENDED = '9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f'
const PAUSED = 'c3e8f0a1-5d2b-4a9c-8e71-6f5d4c3b2a19'

/** A job that has ended. The embedded sandbox starts with it. */
export const demoJob = {
  jobId: ENDED,
  kind: 'file-deletion',
  state: 'succeeded',
  s3uid: 's3_user_1',
  bucket: 'logs',
  selection: { prefix: '2022/' },
  counts: { found: 3, deleted: 3, missing: 0, failed: 0, remaining: 0 },
  createdAt: '2023-10-01T12:05:00.000Z',
  startedAt: '2023-10-01T12:05:00.000Z',
  endedAt: '2023-10-01T12:05:01.000Z',
  links: linksOf(ENDED)
}

export const demoResults = ['2022/01.log', '2022/02.log', '2022/03.log'].map(path => ({ path, outcome: 'deleted' }))

/** A job that waits for a credential. It would delete nothing: there is no such folder. */
export const demoPausedJob = {
  jobId: PAUSED,
  kind: 'file-deletion',
  state: 'paused',
  s3uid: 's3_user_1',
  bucket: 'empty-bucket',
  selection: { prefix: 'tmp/' },
  counts: { found: 0, deleted: 0, missing: 0, failed: 0, remaining: null },
  createdAt: '2023-10-01T12:10:00.000Z',
  startedAt: '2023-10-01T12:10:00.000Z',
  problem: { name: 'invalid-token', status: 401, detail: 'HOSTKEY does not accept the token of the job any more.' },
  links: linksOf(PAUSED)
}

const { jobId, state, counts } = demoJob

/** The data of its last event. */
export const demoProgress = { jobId, state, counts }

const requested = { paths: ['with space.txt', 'no-such-file.txt'] }

const NO_JOB: ProblemExample = { detail: 'The customer has no such job.' }

const NO_CURSOR: ProblemExample = {
  detail: 'The cursor does not belong to this list.',
  errors: [{ in: 'query', parameter: 'cursor', code: 'mismatch', detail: 'is not a cursor of this list' }]
}

const problems = { 'invalid-token': UNKNOWN_TOKEN, 'upstream-unavailable': NO_LOGINS }

export const jobs: Record<string, Example> = {
  createFileDeletion: {
    parameters: { s3uid: 's3_user_1', bucket: 'holiday-pictures' },
    unfilled: ['bucket'],
    body: requested,
    replies: {
      202: {
        parameters: { prefer: 'respond-async' },
        value: {
          jobId: '0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21',
          kind: 'file-deletion',
          state: 'queued',
          s3uid: 's3_user_1',
          bucket: 'holiday-pictures',
          selection: { pathCount: 2 },
          counts: { found: 2, deleted: 0, missing: 0, failed: 0, remaining: null },
          createdAt: '2026-11-22T12:00:00.000Z',
          links: linksOf('0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21')
        },
        headers: { Location: '/jobs/0f4f6f0e-2f7c-4b8c-9c39-5d1f0e7a6b21', 'Retry-After': '2' },
        varies: ['/jobId', '/createdAt', '/links/self', '/links/results', '/links/events']
      },
      207: {
        value: {
          items: [
            { path: 'with space.txt', outcome: 'deleted' },
            { path: 'no-such-file.txt', outcome: 'missing' }
          ],
          deleted: 1,
          missing: 1,
          failed: 0
        }
      }
    },
    problems: {
      'invalid-token': UNKNOWN_TOKEN,
      'confirmation-mismatch': {
        detail: 'The member `confirm` does not name the bucket.',
        errors: [{ in: 'body', pointer: '/confirm', code: 'mismatch', detail: 'must be the name of the bucket' }]
      },
      'job-running': { detail: 'Another job works on this bucket.', links: { job: `/jobs/${PAUSED}` } },
      'body-too-large': { detail: 'The body is larger than 2 MiB.' }
    }
  },
  listJobs: {
    parameters: { limit: 1 },
    replies: {
      200: {
        value: { items: [demoPausedJob], nextCursor: PAUSED },
        headers: { Link: `</jobs?limit=1&cursor=${PAUSED}>; rel="next"` }
      },
      304: { headers: { Link: `</jobs?limit=1&cursor=${PAUSED}>; rel="next"` } }
    },
    problems: { ...problems, 'invalid-cursor': NO_CURSOR }
  },
  getJob: {
    parameters: { jobId: ENDED },
    replies: { 200: { value: demoJob } },
    problems: { ...problems, 'job-not-found': NO_JOB }
  },
  listJobResults: {
    parameters: { jobId: ENDED, limit: 2 },
    replies: {
      200: {
        value: { items: demoResults.slice(0, 2), nextCursor: 'Mg' },
        headers: { Link: `</jobs/${ENDED}/results?limit=2&cursor=Mg>; rel="next"` }
      },
      304: { headers: { Link: `</jobs/${ENDED}/results?limit=2&cursor=Mg>; rel="next"` } }
    },
    problems: { ...problems, 'job-not-found': NO_JOB, 'invalid-cursor': NO_CURSOR }
  },
  streamJobResults: {
    parameters: { jobId: ENDED },
    replies: {
      200: { lines: [...demoResults.map(result => ({ result })), { end: { nextCursor: null } }] }
    },
    problems: { ...problems, 'job-not-found': NO_JOB, 'invalid-cursor': NO_CURSOR }
  },
  streamJobEvents: {
    parameters: { jobId: ENDED },
    replies: { 200: { value: `: open\nretry: 3000\n\nid: 1\nevent: end\ndata: ${JSON.stringify(demoProgress)}\n\n` } },
    problems: { ...problems, 'job-not-found': NO_JOB }
  },
  resumeJob: {
    parameters: { jobId: PAUSED },
    replies: {
      202: {
        value: { ...demoPausedJob, state: 'queued', problem: undefined },
        headers: { Location: `/jobs/${PAUSED}`, 'Retry-After': '2' }
      }
    },
    problems: {
      ...problems,
      'job-not-found': NO_JOB,
      'job-not-resumable': { detail: 'The job is succeeded, not paused.' }
    }
  },
  cancelJob: {
    parameters: { jobId: ENDED },
    replies: { 202: { value: demoJob, headers: { Location: `/jobs/${ENDED}` } } },
    problems: { ...problems, 'job-not-found': NO_JOB }
  }
}
