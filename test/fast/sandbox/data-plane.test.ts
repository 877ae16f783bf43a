import { createHash, randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketWebsiteCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { request } from 'undici'
import { awkwardPaths } from '../../../src/sandbox/fixture-files.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'

const sandbox = await startSandbox()
t.after(() => sandbox.close())
const { storageUrl, control } = sandbox
const account = (s3uid: string) => {
  const found = control.state().accounts.find(each => each.s3uid === s3uid)
  if (!found) throw new TypeError(s3uid)
  return { accessKeyId: found.accessKey, secretAccessKey: found.secretKey }
}
const client = (credentials: { accessKeyId: string; secretAccessKey: string }, endpoint = storageUrl) =>
  new S3Client({ endpoint, region: 'nl', forcePathStyle: true, maxAttempts: 1, credentials })
const s3 = client(account('s3_user_1'))
const Bucket = 'empty-bucket'

/** Name and status of a refusal. */
const refusalOf = async (sent: Promise<unknown>) => {
  const error = await sent.then(
    () => undefined,
    (error: { name: string; $metadata: { httpStatusCode: number } }) => error
  )
  return error && [error.$metadata.httpStatusCode, error.name]
}

t.test('the AWS SDK stores, reads, lists and deletes files under any path', async t => {
  const paths = awkwardPaths.filter(path => !path.split('/').some(each => each === '.' || each === '..'))
  for (const Key of paths) {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: `content of ${Key}` }))
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    t.equal(await Body?.transformToString(), `content of ${Key}`, JSON.stringify(Key))
  }
  const stored = control.state().buckets.find(({ name }) => name === Bucket)
  t.strictSame(new Set(stored?.files.map(([path]) => path)), new Set(paths))
  t.equal(
    stored?.sizeBytes,
    paths.reduce((sum, path) => sum + Buffer.byteLength(`content of ${path}`), 0)
  )
  const listed = await s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'url' }))
  t.equal(listed.KeyCount, paths.length)
  const first = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2 }))
  t.equal(first.Contents?.length, 2)
  const rest = await s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken: first.NextContinuationToken }))
  t.equal(rest.KeyCount, paths.length - 2)
  for (const Key of paths) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
  t.strictSame(control.state().buckets.find(({ name }) => name === Bucket)?.files, [])
  const buckets = await s3.send(new ListBucketsCommand({}))
  t.strictSame(
    buckets.Buckets?.map(({ Name }) => Name),
    ['holiday-pictures', 'empty-bucket', 'logs']
  )
})

t.test('lists of version 1 have the same files, page by page; what is no list is refused', async t => {
  const listed = async (more: object) => {
    const paths: (string | undefined)[] = []
    let Marker: string | undefined
    let pages = 0
    do {
      const page = await s3.send(
        new ListObjectsCommand({ Bucket: 'holiday-pictures', EncodingType: 'url', ...more, ...(Marker && { Marker }) })
      )
      const names = [
        ...(page.Contents ?? []).map(({ Key }) => Key),
        ...(page.CommonPrefixes ?? []).map(each => each.Prefix)
      ]
      paths.push(...names.map(name => decodeURIComponent(String(name))))
      Marker = page.IsTruncated ? decodeURIComponent(page.NextMarker ?? '') : undefined
      pages += 1
    } while (Marker !== undefined && pages < 50)
    return { paths, pages }
  }
  const whole = await listed({ MaxKeys: 50 })
  const stored = control
    .state()
    .buckets.find(({ name }) => name === 'holiday-pictures')
    ?.files.map(([path]) => path)
  t.strictSame([...whole.paths].sort(), stored?.sort())
  t.equal(whole.pages, Math.ceil((stored?.length ?? 0) / 50))
  const folders = await listed({ Prefix: '2021/', Delimiter: '/', MaxKeys: 2 })
  t.strictSame(folders.paths, ['2021/spring/', '2021/summer/', '2021/winter/'])
  const url = `${await getSignedUrl(s3, new GetBucketWebsiteCommand({ Bucket }))}`
  t.strictSame(await refusalOf(s3.send(new CreateBucketCommand({ Bucket }))), [409, 'BucketAlreadyOwnedByYou'])
  const other = await request(url)
  t.equal(other.statusCode, 501, await other.body.text())
})

t.test('a stream of the SDK is stored as it is, with its type and metadata', async t => {
  const bytes = randomBytes(300_000)
  const Body = Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)])
  const put = {
    Bucket,
    Key: 'streamed',
    Body,
    ContentLength: bytes.length,
    ContentType: 'image/png',
    Metadata: { by: 'me' }
  }
  await s3.send(new PutObjectCommand(put))
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'streamed' }))
  t.ok(bytes.equals(Buffer.from((await got.Body?.transformToByteArray()) ?? [])))
  t.strictSame([got.ContentType, got.Metadata?.['by']], ['image/png', 'me'])
  t.equal(got.ETag, `"${createHash('md5').update(bytes).digest('hex')}"`)
})

t.test('ranges and conditions are those of HTTP', async t => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'ten', Body: '0123456789' }))
  const get = (more: object) => s3.send(new GetObjectCommand({ Bucket, Key: 'ten', ...more }))
  for (const [Range, text, shown] of [
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10']
  ] as const) {
    const { Body, ContentRange } = await get({ Range })
    t.strictSame([await Body?.transformToString(), ContentRange], [text, shown])
  }
  t.strictSame(await refusalOf(get({ Range: 'bytes=10-' })), [416, 'InvalidRange'])
  const { ETag, LastModified } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'ten' }))
  t.equal((await refusalOf(get({ IfNoneMatch: ETag })))?.[0], 304)
  t.equal((await refusalOf(get({ IfModifiedSince: LastModified })))?.[0], 304)
  t.strictSame(await refusalOf(get({ IfMatch: '"other"' })), [412, 'PreconditionFailed'])
  t.equal((await get({ IfMatch: ETag })).ContentLength, 10)
  const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'ten' }))
  const resumed = async (version: string | undefined) => {
    const { statusCode, body } = await request(url, { headers: { range: 'bytes=7-', 'if-range': String(version) } })
    return [statusCode, await body.text()]
  }
  t.strictSame(await resumed(ETag), [206, '789'])
  t.strictSame(await resumed(LastModified?.toUTCString()), [206, '789'])
  for (const old of ['"other"', `W/${ETag}`, new Date(0).toUTCString(), 'x']) {
    t.strictSame(await resumed(old), [200, '0123456789'], 'all of another version')
  }
  const again = new PutObjectCommand({ Bucket, Key: 'ten', Body: 'x', IfNoneMatch: '*' })
  t.strictSame(await refusalOf(s3.send(again)), [412, 'PreconditionFailed'])
})

t.test('what is not there, not the caller’s or not simulated is refused by name', async t => {
  const get = (s3: S3Client, Bucket: string, Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }))
  const { accessKeyId, secretAccessKey } = account('s3_user_1')
  t.strictSame(await refusalOf(get(s3, Bucket, 'nothing')), [404, 'NoSuchKey'])
  t.strictSame(await refusalOf(get(s3, 'nothing', 'x')), [404, 'NoSuchBucket'])
  t.strictSame(await refusalOf(get(s3, 'other-bucket', 'private.txt')), [403, 'AccessDenied'])
  const wrong = client({ accessKeyId, secretAccessKey: `${secretAccessKey}x` })
  t.strictSame(await refusalOf(get(wrong, Bucket, 'ten')), [403, 'SignatureDoesNotMatch'])
  const unknown = client({ accessKeyId: 'UNKNOWN', secretAccessKey })
  t.strictSame(await refusalOf(get(unknown, Bucket, 'ten')), [403, 'InvalidAccessKeyId'])
  const parts = await request(`${storageUrl}/${Bucket}/x?uploads`, { method: 'POST' })
  t.equal(parts.statusCode, 501)
  t.match(await parts.body.text(), /NotImplemented.*no uploads in parts/)
})

/** Sends the head of an upload, and perhaps the beginning of its body. */
const beginUpload = async (Key: string, length: number, rest: string) => {
  const url = new URL(await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key })))
  const socket = connect(Number(url.port), '127.0.0.1')
  const head = `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: ${length}\r\n`
  socket.write(`${head}${rest}`)
  return socket
}

t.test('5 GiB are refused in words, before a byte is sent', async t => {
  const socket = await beginUpload('large', 5 * 1024 ** 3, 'Expect: 100-continue\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += chunk
  t.match(text, /^HTTP\/1.1 400 /)
  t.match(text, /EntityTooLarge.*stores at most 1 GiB/s)
})

t.test('a URL is valid for what was signed, until it expires', async t => {
  const signed = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'ten' }), { expiresIn: 60 })
  const statusOf = async (url: string, options: Parameters<typeof request>[1] = {}) => {
    const { statusCode, body } = await request(url, options)
    return [statusCode, /<Code>(.*)<\/Code>/.exec(await body.text())?.[1]]
  }
  t.strictSame(await statusOf(signed), [200, undefined])
  t.strictSame(await statusOf(signed, { method: 'PUT', body: 'x' }), [403, 'SignatureDoesNotMatch'])
  t.strictSame(await statusOf(signed.replace('/ten?', '/other?')), [403, 'SignatureDoesNotMatch'])
  t.strictSame(await statusOf(signed.replace('X-Amz-Expires=60', 'X-Amz-Expires=600')), [403, 'SignatureDoesNotMatch'])
  t.strictSame(await statusOf(signed.replace('X-Amz-Expires=60', 'X-Amz-Expires=604801')), [
    400,
    'AuthorizationQueryParametersError'
  ])
  const later = await startSandbox({ now: () => Date.now() + 61_000 })
  t.after(() => later.close())
  const early = await startSandbox({ now: () => Date.now() - 16 * 60_000 })
  t.after(() => early.close())
  t.strictSame(await statusOf(signed.replace(storageUrl, later.storageUrl)), [403, 'AccessDenied'])
  t.strictSame(await statusOf(signed.replace(storageUrl, early.storageUrl)), [403, 'RequestTimeTooSkewed'])
  const skewed = client(account('s3_user_1'), early.storageUrl)
  const list = skewed.send(new ListBucketsCommand({}))
  // The SDK corrects its clock and would try again.
  t.strictSame(await refusalOf(list), [403, 'RequestTimeTooSkewed'])
})

t.test('anyone may read a file that is stored as public-read, and nothing else', async t => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'public', Body: 'all', ACL: 'public-read' }))
  const anonymous = async (path: string, method: 'GET' | 'DELETE' = 'GET') => {
    const { statusCode, body } = await request(`${storageUrl}/${Bucket}/${path}`, { method })
    await body.dump()
    return statusCode
  }
  t.strictSame(
    [
      await anonymous('public'),
      await anonymous('ten'),
      await anonymous('public', 'DELETE'),
      await anonymous('public?response-content-type=text/html'),
      await anonymous('')
    ],
    [200, 403, 403, 403, 403]
  )
})

t.test('the URL of an upload does not make the file public, nor anything else that was not signed', async t => {
  const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'private' }))
  for (const [name, value] of [
    ['x-amz-acl', 'public-read'],
    ['x-amz-meta-by', 'me'],
    ['x-amz-copy-source', `/${Bucket}/ten`]
  ] as const) {
    const { statusCode, body } = await request(url, { method: 'PUT', headers: { [name]: value }, body: 'x' })
    t.equal(statusCode, 403, name)
    t.match(await body.text(), /AccessDenied.*not signed/s)
  }
  const stored = await request(url, { method: 'PUT', body: 'x' })
  t.equal(stored.statusCode, 200, await stored.body.text())
})

t.test('pages of any origin may use it', async t => {
  const { statusCode, headers } = await request(`${storageUrl}/${Bucket}/x`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://a.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'content-type'
    }
  })
  t.equal(statusCode, 200)
  t.equal(headers['access-control-allow-origin'], '*')
  t.match(headers['access-control-allow-methods'], /PUT/)
  t.equal(headers['access-control-allow-headers'], 'content-type')
})

t.test('an upload that ends early leaves nothing', async t => {
  const socket = await beginUpload('cut-off', 100, '\r\nhalf')
  await pause(50)
  socket.destroy()
  await pause(50)
  t.notOk(
    control
      .state()
      .buckets.find(({ name }) => name === Bucket)
      ?.files.some(([path]) => path === 'cut-off')
  )
})
