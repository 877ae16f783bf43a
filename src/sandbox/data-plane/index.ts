import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Runtime } from '../runtime.ts'
import type { Account, Bucket, State, StoredFile } from '../state.ts'
import { instantOf, putFile, removeFile } from '../storage.ts'
import { conditionOf, isRangeCurrent, rangeOf } from './conditions.ts'
import { announcedLength, type Contents, dotsOf } from './content.ts'
import { bucketsXml, filesXml, isFileList } from './lists.ts'
import { refusalXml, StorageRefusal } from './refusal.ts'
import { accessKeyOf, decodedPath } from './signature.ts'

/** S3's limit of a key, bytes of UTF-8. */
const MAX_PATH_BYTES = 1024

/** Pages of any origin may use the sandbox; what HOSTKEY allows is not documented. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'ETag, Content-Length, Content-Range, Content-Disposition, Last-Modified, Accept-Ranges',
  'access-control-max-age': '300'
}

/** One request: what it names, and who sends it. */
interface StorageRequest {
  state: State
  message: IncomingMessage
  response: ServerResponse
  bucketName: string
  path: string
  query: ReadonlyMap<string, string>
  /** Undefined without a signature. */
  account: Account | undefined
}

/**
 * The storage behind presigned URLs and S3 clients, by path style: PUT, GET, HEAD and DELETE of files, HEAD of a bucket, and
 * lists. It is no S3: no uploads in parts, versions, policies, tags, copies or access lists but `x-amz-acl: public-read`.
 */
export const handleStorage = async (
  runtime: Runtime,
  contents: Contents,
  message: IncomingMessage,
  response: ServerResponse
): Promise<void> => {
  const [rawPath = '', rawQuery = ''] = (message.url ?? '/').split(/\?(.*)/s)
  for (const [name, value] of Object.entries(CORS)) response.setHeader(name, value)
  response.setHeader('server', 'hostkey-s3-sandbox')
  try {
    if (message.method === 'OPTIONS') return preflight(message, response)
    await answer(readRequest(runtime.state, message, response, rawPath, rawQuery), contents)
  } catch (error) {
    if (!(error instanceof StorageRefusal)) throw error
    if (response.headersSent) throw error
    // The rest of an upload is not read.
    if (message.method === 'PUT') response.setHeader('connection', 'close')
    const body = message.method === 'HEAD' ? '' : refusalXml(error, rawPath)
    response.writeHead(error.status, { 'content-type': 'application/xml' }).end(body)
  }
}

const preflight = (message: IncomingMessage, response: ServerResponse): void => {
  response
    .writeHead(200, {
      'access-control-allow-methods': 'GET, HEAD, PUT, DELETE',
      'access-control-allow-headers': message.headers['access-control-request-headers'] ?? '*',
      'content-length': 0
    })
    .end()
}

const readRequest = (
  state: State,
  message: IncomingMessage,
  response: ServerResponse,
  rawPath: string,
  rawQuery: string
): StorageRequest => {
  const query = [...new URLSearchParams(rawQuery)]
  const byAccessKey = (accessKey: string) => [...state.accounts.values()].find(each => each.accessKey === accessKey)
  const signed = { method: message.method ?? '', rawPath, query, headers: message.headers }
  const accessKey = accessKeyOf(signed, key => byAccessKey(key)?.secretKey, state.now())
  const [, bucketName = '', path = ''] = /^\/([^/]*)\/?(.*)$/s.exec(decodedPath(rawPath)) ?? []
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new StorageRefusal(400, 'KeyTooLongError', 'Your key is too long')
  return {
    state,
    message,
    response,
    bucketName,
    path,
    query: new Map(query),
    account: accessKey === undefined ? undefined : byAccessKey(accessKey)
  }
}

const UNSUPPORTED =
  'The sandbox has PUT, GET, HEAD and DELETE of files, and lists: no uploads in parts, versions, policies, tags or copies.'

/** Parameters that make a request another operation of S3. */
const SUBRESOURCES = [
  'uploads',
  'uploadId',
  'acl',
  'tagging',
  'versions',
  'policy',
  'cors',
  'lifecycle',
  'delete',
  'versioning'
]

const answer = async (request: StorageRequest, contents: Contents): Promise<void> => {
  const { message, response, state, bucketName, path, query, account } = request
  const { method } = message
  const isSubresource = SUBRESOURCES.some(name => query.has(name)) || message.headers['x-amz-copy-source'] !== undefined
  if (isSubresource) throw new StorageRefusal(501, 'NotImplemented', UNSUPPORTED)
  const xml = (text: string) => response.writeHead(200, { 'content-type': 'application/xml' }).end(text)
  if (bucketName === '') {
    if (!account) throw denied()
    if (method === 'GET') return void xml(bucketsXml(state, account.s3uid))
    throw new StorageRefusal(501, 'NotImplemented', UNSUPPORTED)
  }
  const bucket = state.buckets.get(bucketName)
  const isOwner = account !== undefined && bucket?.s3uid === account.s3uid
  if (bucket && !isOwner && !isPublic(bucket.files.get(path), request)) throw denied()
  if (!bucket) throw account ? new StorageRefusal(404, 'NoSuchBucket', 'The bucket does not exist.') : denied()
  if (path === '') {
    if (method === 'HEAD') return void response.writeHead(200).end()
    // rclone creates the bucket before it copies.
    if (method === 'PUT') throw new StorageRefusal(409, 'BucketAlreadyOwnedByYou', 'The bucket exists, and is yours.')
    if (method === 'GET' && query.has('location')) return void xml(LOCATION)
    if (method === 'GET' && isFileList(query)) return void xml(filesXml(bucket, query))
  } else if (method === 'PUT') return putObject(request, bucket, contents)
  else if (method === 'GET' || method === 'HEAD') return getObject(request, bucket)
  else if (method === 'DELETE') {
    removeFile(bucket, path)
    return void response.writeHead(204).end()
  }
  throw new StorageRefusal(501, 'NotImplemented', UNSUPPORTED)
}

const LOCATION =
  '<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">nl</LocationConstraint>\n'

const denied = () => new StorageRefusal(403, 'AccessDenied', 'Access Denied')

/** May anyone read this file? Only the whole of it, as it was stored. */
const isPublic = (file: StoredFile | undefined, { message, account, query }: StorageRequest): boolean =>
  file?.object?.isPublic === true &&
  account === undefined &&
  ['GET', 'HEAD'].includes(message.method ?? '') &&
  ![...query.keys()].some(name => name.startsWith('response-'))

const putObject = async (
  { message, response, state, path }: StorageRequest,
  bucket: Bucket,
  contents: Contents
): Promise<void> => {
  const { headers } = message
  if (headers['if-none-match'] === '*' && bucket.files.has(path)) {
    throw new StorageRefusal(412, 'PreconditionFailed', 'The file exists.')
  }
  announcedLength(headers)
  // The client waits for it before it sends the body.
  if (headers.expect !== undefined) response.writeContinue()
  const content = await contents.store(message)
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'))
  const encoding = String(headers['content-encoding'] ?? '').replace(/,? ?aws-chunked,? ?/, '')
  putFile(bucket, path, content.size, instantOf(state), {
    content,
    isPublic: headers['x-amz-acl'] === 'public-read',
    headers: {
      'content-type': headers['content-type'] ?? 'binary/octet-stream',
      ...(encoding !== '' && { 'content-encoding': encoding }),
      ...Object.fromEntries(metadata.map(([name, value]) => [name, String(value)]))
    }
  })
  response.writeHead(200, { etag: `"${content.md5}"`, 'content-length': 0 }).end()
}

const getObject = async ({ message, response, path, query }: StorageRequest, bucket: Bucket): Promise<void> => {
  const file = bucket.files.get(path)
  if (!file) throw new StorageRefusal(404, 'NoSuchKey', 'The file does not exist.')
  const content = file.object?.content ?? dotsOf(path, file.size)
  const etag = `"${content.md5}"`
  const modifiedAt = Date.parse(file.modifiedAt)
  const condition = conditionOf(message.headers, etag, modifiedAt)
  if (condition === 'failed') throw new StorageRefusal(412, 'PreconditionFailed', 'A condition of the request failed.')
  const headers: Record<string, string> = {
    'content-type': 'binary/octet-stream',
    ...file.object?.headers,
    ...overridesIn(query),
    etag,
    'last-modified': new Date(modifiedAt).toUTCString(),
    'accept-ranges': 'bytes'
  }
  if (condition === 'not-modified') return void response.writeHead(304, { etag }).end()
  const isCurrent = isRangeCurrent(message.headers, etag, modifiedAt)
  const range = isCurrent ? rangeOf(message.headers.range, file.size) : 'all'
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${file.size}`)
    throw new StorageRefusal(416, 'InvalidRange', 'The file has none of these bytes.')
  }
  const { start, end } = range === 'all' ? { start: 0, end: file.size - 1 } : range
  response.writeHead(range === 'all' ? 200 : 206, {
    ...headers,
    'content-length': end - start + 1,
    ...(range !== 'all' && { 'content-range': `bytes ${start}-${end}/${file.size}` })
  })
  if (message.method === 'HEAD') return void response.end()
  await pipeline(content.read(start, end), response)
}

/** Headers of the reply that the URL names, such as `response-content-disposition`. */
const overridesIn = (query: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries(
    ['content-type', 'content-language', 'expires', 'cache-control', 'content-disposition', 'content-encoding'].flatMap(
      name => {
        const value = query.get(`response-${name}`)
        return value === undefined ? [] : [[name, value]]
      }
    )
  )
