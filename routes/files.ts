import { BucketPath } from '../schemas/buckets.ts'
import {
  FileAtPath,
  FileLine,
  FileList,
  FileQuery,
  FilesQuery,
  FolderSummary,
  StreamQuery,
  SummaryQuery
} from '../schemas/files.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { NoContent } from '../schemas/status.ts'
import { LINES_TYPE } from '../src/http/accept.ts'
import { answers, asLines, BODY_PROBLEMS, ignoringErrors, omitting, withVersion } from '../src/http/answers.ts'
import { fileLinesOf, sendLines } from '../src/http/file-lines.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { linkNext } from '../src/http/page.ts'
import { FOLDER, filesAt } from '../src/http/reach.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { deleteFile, getFiles } from '../src/upstream/actions/files.ts'

/** What a deletion answers, wherever the file is named. */
const DELETED = answers(
  { 204: NoContent },
  BODY_PROBLEMS,
  deleteFile,
  ignoringErrors(getFiles),
  'file-path-required',
  'file-path-encoding'
)

/** The files in one bucket. */
export const fileRoutes: Routes = async (app, { files, links, explain, isDraining }) => {
  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/buckets/:bucket/files',
    config: operation({
      scope: 'files:read',
      rate: 'read',
      account: accountInPath,
      reach: FOLDER,
      audit: undefined,
      target: ({ params: { bucket } }) => [bucket]
    }),
    schema: {
      operationId: 'listFiles',
      summary: 'List files and folders',
      description:
        'The files and folders directly inside `folder`; with `recursive` every file below it; with `search` the files below it whose path contains the text. Follow `nextCursor` until it is null.',
      tags: ['Files'],
      params: BucketPath,
      querystring: FilesQuery,
      headers: VersionHeaders,
      response: answers(withVersion(FileList, 'Link'), getFiles, 'invalid-cursor')
    },
    // In half the time of the schema's own. It drops nothing, and `files` makes each entry member by member.
    serializerCompiler: () => JSON.stringify,
    async handler(request, reply) {
      const { s3uid, bucket } = request.params
      const { limit, cursor, ...selection } = request.query
      const page = await files.list(contextOf(request), { s3uid, bucket, ...toSelection(selection), limit, cursor })
      const { recursive, ...given } = selection
      const query = { ...given, ...(recursive && { recursive }), limit }
      return linkNext(reply, page, cursor => links.nextPage(links.files(s3uid, bucket), { ...query, cursor }))
    }
  })

  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/buckets/:bucket/file-stream',
    config: operation({
      scope: 'files:read',
      rate: 'read',
      mediaTypes: [LINES_TYPE],
      account: accountInPath,
      reach: FOLDER,
      audit: undefined,
      target: ({ params: { bucket } }) => [bucket]
    }),
    schema: {
      operationId: 'streamFiles',
      summary: 'Stream files and folders',
      description:
        'The whole list of `listFiles` in one reply, one `FileLine` per line. The last line contains `end`, or `problem` if HOSTKEY failed after the status was sent; without either the transfer was cut off.',
      tags: ['Files'],
      params: BucketPath,
      querystring: StreamQuery,
      response: answers({ 200: asLines(FileLine) }, getFiles, 'invalid-cursor')
    },
    async handler(request, reply) {
      const { cursor, ...selection } = request.query
      const query = { ...request.params, ...toSelection(selection), limit: undefined, cursor }
      const parts = files.stream(contextOf(request), query)
      return sendLines(reply, await fileLinesOf(parts, { explain: error => explain(error, request), isDraining }))
    }
  })

  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/buckets/:bucket/folders/summary',
    config: operation({
      scope: 'files:read',
      rate: 'usage',
      account: accountInPath,
      reach: FOLDER,
      audit: undefined,
      target: ({ params: { bucket } }) => [bucket]
    }),
    schema: {
      operationId: 'summarizeFolder',
      summary: 'Count the files of a folder',
      description:
        'Number, size and newest change of all files below `folder`. The gateway counts for 10 s at most; `complete` says whether it counted all.',
      tags: ['Files'],
      params: BucketPath,
      querystring: SummaryQuery,
      response: answers({ 200: FolderSummary }, omitting(getFiles, 'invalid-cursor'))
    },
    async handler(request) {
      return files.summarize(contextOf(request), { ...request.params, folder: request.query.folder ?? '' })
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid/buckets/:bucket/files',
    config: operation({
      scope: 'files:delete',
      rate: 'delete',
      account: accountInPath,
      reach: filesAt(({ query: { path } }) => path),
      audit: 'file.delete',
      target: ({ params: { bucket }, query: { path } }) => [bucket, path]
    }),
    schema: {
      operationId: 'deleteFile',
      summary: 'Delete a file (path in the query)',
      description:
        'Use this form for every file path: clients and proxies do not rewrite a query. `links.self` of a file is this address.',
      tags: ['Files'],
      params: BucketPath,
      querystring: FileQuery,
      response: DELETED
    },
    async handler(request, reply) {
      await files.delete(contextOf(request), { ...request.params, path: request.query.path })
      return reply.code(204).send(null)
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid/buckets/:bucket/files/*',
    config: operation({
      scope: 'files:delete',
      rate: 'delete',
      account: accountInPath,
      reach: filesAt(({ params: { '*': path } }) => path),
      audit: 'file.delete',
      target: ({ params: { bucket, '*': path } }) => [bucket, path],
      refusesEmptyQuery: true
    }),
    schema: {
      operationId: 'deleteFileByPath',
      summary: 'Delete a file (path in the URL)',
      description:
        'Only for paths that you chose yourself; use the query form for all others. Percent-encode everything except slashes once. URL libraries resolve the segments `.` and `..`, also as `%2e`, before they send: `../../other` becomes `DELETE …/buckets/other`, which deletes that bucket if it is empty.',
      tags: ['Files'],
      params: FileAtPath,
      response: DELETED
    },
    async handler(request, reply) {
      const { s3uid, bucket, '*': path } = request.params
      await files.delete(contextOf(request), { s3uid, bucket, path })
      return reply.code(204).send(null)
    }
  })
}

/** Which files, as the domain names them. */
const toSelection = ({ folder = '', recursive, search = '' }: Selection) => ({ folder, isRecursive: recursive, search })

interface Selection {
  folder?: string
  recursive: boolean
  search?: string
}
