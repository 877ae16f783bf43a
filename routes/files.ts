import { BucketPath } from '../schemas/buckets.ts'
import { FileAtPath, FileLine, FileList, FileQuery, FilesQuery } from '../schemas/files.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { NoContent } from '../schemas/status.ts'
import type { RequestContext } from '../src/core/context.ts'
import { Problem } from '../src/core/problem.ts'
import { listedFiles, pagesOf } from '../src/domain/storage/files.ts'
import { deleted, type Target } from '../src/domain/storage/verified-deletion.ts'
import { acceptedOf, JSON_TYPE, LINES_TYPE } from '../src/http/accept.ts'
import { answers, BODY, ignoringErrors, orLines, versioned } from '../src/http/answers.ts'
import { decodeCursor, encodeCursor, type ListScope } from '../src/http/cursor.ts'
import { linesOf, sendLines, toFile } from '../src/http/file-lines.ts'
import { contextOf, needs, type Routes } from '../src/http/route.ts'
import { deleteFile, getFiles } from '../src/upstream/actions/files.ts'

const OFFERS = [JSON_TYPE, LINES_TYPE]

/** A page of HOSTKEY's. */
const DEFAULT_LIMIT = 100

/** What a deletion answers, wherever the file is named. */
const DELETED = answers(
  { 204: NoContent },
  BODY,
  deleteFile,
  ignoringErrors(getFiles),
  'file-path-required',
  'file-path-encoding'
)

/** The files in one bucket. */
export const files: Routes = async (app, { upstream, recentWrites, mount, explain, isDraining, verifyDelaysMs }) => {
  const remove = async ({ s3uid, bucket, path }: Required<Target>, context: RequestContext) => {
    assertFilePath(path)
    const send = () => upstream.call(deleteFile, { s3uid, bucket_name: bucket, filename: path }, context)
    await recentWrites.removing(context.caller, [s3uid, bucket, path], () =>
      deleted({ upstream, target: { s3uid, bucket, path }, send, verifyDelaysMs }, context)
    )
  }

  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/buckets/:bucket/files',
    config: needs('files:read', 'read', { offers: OFFERS }),
    schema: {
      operationId: 'listFiles',
      summary: 'List files and folders',
      description:
        'Follow `nextCursor` until it is null. The gateway joins HOSTKEY’s pages of 100 up to `limit`. With `Accept: application/x-ndjson` the reply streams the whole list, one `FileLine` per line. The last line contains `end`, or `problem` if HOSTKEY failed after the status was sent; without either the transfer was cut off. A stream counts as one request.',
      tags: ['Files'],
      params: BucketPath,
      querystring: FilesQuery,
      headers: VersionHeaders,
      response: answers(versioned(orLines(FileList, FileLine), 'Link'), getFiles, 'invalid-cursor')
    },
    async handler(request, reply) {
      const { s3uid, bucket } = request.params
      const { search, limit, cursor } = request.query
      const scope: ListScope = { s3uid, bucket, search }
      const from = cursor === undefined ? undefined : decodeCursor(cursor, scope)
      const address = `${mount}${pathOf(s3uid, bucket)}`
      if (acceptedOf(request, OFFERS) === LINES_TYPE) {
        const wanted = { ...scope, from, limit: limit ?? Number.POSITIVE_INFINITY }
        const lines = await linesOf(pagesOf(upstream, wanted, contextOf(request)), {
          address,
          cursorOf: next => encodeCursor(next, scope),
          explain: error => explain(error, request),
          isDraining
        })
        return sendLines(reply, lines)
      }
      const page = await listedFiles(upstream, { ...scope, from, limit: limit ?? DEFAULT_LIMIT }, contextOf(request))
      const nextCursor = page.next === undefined ? null : encodeCursor(page.next, scope)
      if (nextCursor !== null) reply.header('link', nextLink(address, { search, limit, nextCursor }))
      return {
        items: page.files.map(file => toFile(file, address)),
        folders: page.folders.map(path => ({ path })),
        nextCursor
      }
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid/buckets/:bucket/files',
    config: needs('files:delete', 'delete', { audit: 'file.delete' }),
    schema: {
      operationId: 'deleteFile',
      summary: 'Delete a file (path in the query)',
      description:
        'Use this form for every file path: clients and proxies do not rewrite a query. `links.self` of a file is this address. In the path of a URL, libraries would resolve `../../other` and send `DELETE …/buckets/other`, which deletes that bucket if it is empty.',
      tags: ['Files'],
      params: BucketPath,
      querystring: FileQuery,
      response: DELETED
    },
    async handler(request, reply) {
      const { s3uid, bucket } = request.params
      await remove({ s3uid, bucket, path: request.query.path }, contextOf(request))
      return reply.code(204).send(null)
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid/buckets/:bucket/files/*',
    config: needs('files:delete', 'delete', { audit: 'file.delete' }),
    schema: {
      operationId: 'deleteFileByPath',
      summary: 'Delete a file (path in the URL)',
      description:
        'Only for paths that you chose yourself; use the query form for all others. Percent-encode everything except slashes once. URL libraries resolve the segments `.` and `..`, also as `%2e`, before they send: `../../other` becomes `DELETE …/buckets/other`, which deletes that bucket if it is empty. The gateway cannot detect this.',
      tags: ['Files'],
      params: FileAtPath,
      response: DELETED
    },
    async handler(request, reply) {
      const { s3uid, bucket, '*': path } = request.params
      await remove({ s3uid, bucket, path }, contextOf(request))
      return reply.code(204).send(null)
    }
  })
}

export const MAX_PATH_BYTES = 1024

/** @throws Problem file-path-encoding: the schema counts characters, S3 counts bytes */
const assertFilePath = (path: string): void => {
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return
  throw new Problem('file-path-encoding', `The file path is longer than ${MAX_PATH_BYTES} bytes.`)
}

const pathOf = (s3uid: string, bucket: string) => `/accounts/${s3uid}/buckets/${encodeURIComponent(bucket)}/files`

const nextLink = (
  address: string,
  { search, limit, nextCursor }: { search: string | undefined; limit: number | undefined; nextCursor: string }
) => {
  const query = new URLSearchParams({
    ...(search !== undefined && { search }),
    ...(limit !== undefined && { limit: String(limit) }),
    cursor: nextCursor
  })
  return `<${address}?${query}>; rel="next"`
}
