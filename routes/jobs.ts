import { BucketPath } from '../schemas/buckets.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import {
  FileDeletionHeaders,
  FileDeletionResult,
  Job,
  JobEventHeaders,
  JobList,
  JobPath,
  JobProgress,
  JobResultLine,
  JobResultList,
  JobResultStreamQuery,
  JobResultsQuery,
  JobsQuery,
  NewFileDeletion
} from '../schemas/jobs.ts'
import { ref } from '../schemas/model.ts'
import { CONCERN_ALL } from '../src/domain/jobs/file-deletions.ts'
import { EVENTS_TYPE, LINES_TYPE } from '../src/http/accept.ts'
import {
  answers,
  asLines,
  BODY_PROBLEMS,
  ignoringErrors,
  withEvents,
  withHeaders,
  withVersion
} from '../src/http/answers.ts'
import { sendEvents } from '../src/http/event-stream.ts'
import { sendLines } from '../src/http/file-lines.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { linkNext } from '../src/http/page.ts'
import { NOTHING, SELECTION } from '../src/http/reach.ts'
import { resultLinesOf } from '../src/http/result-lines.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { deleteFile, getFiles } from '../src/upstream/actions/files.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

/** 2 MiB: a thousand paths of a kilobyte, and room for their encoding as JSON. */
export const BODY_LIMIT = 2 * 1024 * 1024

/** Seconds after which it is worth looking at a job again. */
const LOOK_AGAIN = '2'

const isOpen = ({ state }: Job) => ['queued', 'running'].includes(state)

/** Deletions of many files, and the jobs that do them. */
export const jobRoutes: Routes = async (app, { jobs, fileDeletions, links, isDraining }) => {
  app.route({
    method: 'POST',
    url: '/accounts/:s3uid/buckets/:bucket/file-deletions',
    bodyLimit: BODY_LIMIT,
    config: operation({
      scope: 'files:delete',
      rate: 'bulk',
      account: accountInPath,
      reach: SELECTION,
      audit: 'files.delete',
      target: ({ params: { bucket } }) => [bucket]
    }),
    schema: {
      operationId: 'createFileDeletion',
      summary: 'Delete many files, or empty a bucket',
      description:
        'Up to 100 `paths` are deleted at once: 207 with an outcome for each. More paths, `prefix`, `all`, `Prefer: respond-async` and an `Idempotency-Key` make a job: 202, and the work goes on without the caller, also after a restart. `prefix` and `all` need `confirm`, the name of the bucket. One job works on a bucket at a time.',
      tags: ['Jobs'],
      params: BucketPath,
      headers: FileDeletionHeaders,
      body: ref(NewFileDeletion),
      response: answers(
        { 202: withHeaders(Job, 'Location', 'Retry-After'), 207: FileDeletionResult },
        BODY_PROBLEMS,
        tokenInfo,
        // The files are read before the first is deleted.
        { action: getFiles, problems: CONCERN_ALL },
        ignoringErrors(deleteFile),
        'confirmation-mismatch',
        'job-running',
        'idempotency-key-reused'
      )
    },
    async handler(request, reply) {
      const { s3uid, bucket } = request.params
      const { prefer = '', 'idempotency-key': idempotencyKey } = request.headers
      const isAsync = /(^|[,;\s])respond-async($|[,;\s])/i.test(prefer)
      const requested = { s3uid, bucket, body: request.body, idempotencyKey, isAsync }
      const { result, job } = await fileDeletions.create(contextOf(request), requested)
      if (result) return reply.code(207).send(result)
      return reply
        .code(202)
        .headers({ location: links.job(job.jobId), 'retry-after': LOOK_AGAIN })
        .send(job)
    }
  })

  app.route({
    method: 'GET',
    url: '/jobs',
    config: operation({ scope: 'files:delete', rate: 'read', account: undefined, reach: NOTHING, audit: undefined }),
    schema: {
      operationId: 'listJobs',
      summary: 'List jobs',
      description: 'The jobs of the customer, the newest first. A caller with `buckets` or `pathPrefix` sees its own.',
      tags: ['Jobs'],
      querystring: JobsQuery,
      headers: VersionHeaders,
      response: answers(withVersion(JobList, 'Link'), tokenInfo, 'invalid-cursor')
    },
    async handler(request, reply) {
      const page = await jobs.list(contextOf(request), request.query)
      const { state, limit } = request.query
      return linkNext(reply, page, cursor => links.nextPage(links.jobs, { state, limit, cursor }))
    }
  })

  app.route({
    method: 'GET',
    url: '/jobs/:jobId',
    config: operation({ scope: 'files:delete', rate: 'read', account: undefined, reach: NOTHING, audit: undefined }),
    schema: {
      operationId: 'getJob',
      summary: 'Read a job',
      description: 'State and counts of a job. `Retry-After` tells, while it has not ended, when to look again.',
      tags: ['Jobs'],
      params: JobPath,
      headers: VersionHeaders,
      response: answers(withVersion(Job, 'Retry-After'), tokenInfo, 'job-not-found')
    },
    async handler(request, reply) {
      const job = await jobs.get(contextOf(request), request.params.jobId)
      if (isOpen(job)) reply.header('retry-after', LOOK_AGAIN)
      return job
    }
  })

  app.route({
    method: 'GET',
    url: '/jobs/:jobId/results',
    config: operation({
      scope: 'files:delete',
      rate: 'read',
      account: undefined,
      reach: NOTHING,
      audit: undefined
    }),
    schema: {
      operationId: 'listJobResults',
      summary: 'List the results of a job',
      description:
        'One outcome for each file, in the order in which they were found. `outcome=failed` lists only those that failed.',
      tags: ['Jobs'],
      params: JobPath,
      querystring: JobResultsQuery,
      headers: VersionHeaders,
      response: answers(withVersion(JobResultList, 'Link'), tokenInfo, 'job-not-found', 'invalid-cursor')
    },
    async handler(request, reply) {
      const { jobId } = request.params
      const page = await jobs.results(contextOf(request), jobId, request.query)
      const { outcome, limit } = request.query
      return linkNext(reply, page, cursor => links.nextPage(`${links.job(jobId)}/results`, { outcome, limit, cursor }))
    }
  })

  app.route({
    method: 'GET',
    url: '/jobs/:jobId/result-stream',
    config: operation({
      scope: 'files:delete',
      rate: 'read',
      mediaTypes: [LINES_TYPE],
      account: undefined,
      reach: NOTHING,
      audit: undefined
    }),
    schema: {
      operationId: 'streamJobResults',
      summary: 'Stream the results of a job',
      description:
        'All of `listJobResults` in one reply, one `JobResultLine` per line. The last line contains `end`; without it the transfer was cut off.',
      tags: ['Jobs'],
      params: JobPath,
      querystring: JobResultStreamQuery,
      response: answers({ 200: asLines(JobResultLine) }, tokenInfo, 'job-not-found', 'invalid-cursor')
    },
    async handler(request, reply) {
      const pages = await jobs.streamResults(contextOf(request), request.params.jobId, request.query)
      return sendLines(reply, resultLinesOf(pages, isDraining))
    }
  })

  app.route({
    method: 'GET',
    url: '/jobs/:jobId/events',
    config: operation({
      scope: 'files:delete',
      rate: 'read',
      mediaTypes: [EVENTS_TYPE],
      account: undefined,
      reach: NOTHING,
      audit: undefined
    }),
    schema: {
      operationId: 'streamJobEvents',
      summary: 'Watch a job',
      description:
        'Server-sent events: `progress` at most twice a second, and a last `end`. The data of both is a `JobProgress`. With `Last-Event-ID` the stream goes on after that event. A comment comes every 15 s; after 10 minutes, or when the replica shuts down, the stream ends with `retry`; within 5 s of the end of the session or token it just ends. Browsers read it with `fetch` and `X-CSRF: 1`: `EventSource` sends no headers.',
      tags: ['Jobs'],
      params: JobPath,
      headers: JobEventHeaders,
      response: answers({ 200: withEvents(JobProgress) }, tokenInfo, 'job-not-found')
    },
    async handler(request, reply) {
      const after = Number(request.headers['last-event-id'] ?? 0)
      const events = await jobs.watch(contextOf(request), request.params.jobId, after)
      return sendEvents(reply, events, { isDraining })
    }
  })

  app.route({
    method: 'POST',
    url: '/jobs/:jobId/resume',
    config: operation({
      scope: 'files:delete',
      rate: 'bulk',
      account: undefined,
      reach: NOTHING,
      audit: 'job.resume',
      target: ({ params: { jobId } }) => [jobId]
    }),
    schema: {
      operationId: 'resumeJob',
      summary: 'Resume a paused job',
      description: 'A paused job goes on with the credential of this request. After 7 days it ends as `partly-failed`.',
      tags: ['Jobs'],
      params: JobPath,
      response: answers(
        { 202: withHeaders(Job, 'Location', 'Retry-After') },
        BODY_PROBLEMS,
        tokenInfo,
        'job-not-found',
        'job-not-resumable'
      )
    },
    async handler(request, reply) {
      const job = await jobs.resume(contextOf(request), request.params.jobId)
      return reply
        .code(202)
        .headers({ location: links.job(job.jobId), 'retry-after': LOOK_AGAIN })
        .send(job)
    }
  })

  app.route({
    method: 'DELETE',
    url: '/jobs/:jobId',
    config: operation({
      scope: 'files:delete',
      rate: 'write',
      account: undefined,
      reach: NOTHING,
      audit: 'job.cancel',
      target: ({ params: { jobId } }) => [jobId]
    }),
    schema: {
      operationId: 'cancelJob',
      summary: 'Cancel a job',
      description: 'Nothing new is sent; what was sent ends and is recorded. An ended job stays as it is.',
      tags: ['Jobs'],
      params: JobPath,
      response: answers({ 202: withHeaders(Job, 'Location') }, BODY_PROBLEMS, tokenInfo, 'job-not-found')
    },
    async handler(request, reply) {
      const job = await jobs.cancel(contextOf(request), request.params.jobId)
      return reply.code(202).header('location', links.job(job.jobId)).send(job)
    }
  })
}
