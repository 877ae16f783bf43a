import { S3Client } from '@aws-sdk/client-s3'
import { S3RequestPresigner } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import {
  deriveSigningKey,
  dispositionOf,
  hasDotSegment,
  objectUrl,
  presignUrl
} from '../../../../src/domain/storage/presigning.ts'
import { awkwardPaths } from '../../../../src/sandbox/fixture-files.ts'

/** Published by Amazon as an example. */
const pair = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }

const keyOf = (day: string, region: string) => ({
  accessKey: pair.accessKeyId,
  region,
  day,
  key: deriveSigningKey(pair.secretAccessKey, day, region)
})

t.test('the signature is that of the example that AWS publishes', async t => {
  const url = await presignUrl(
    {
      method: 'GET',
      url: 'https://examplebucket.s3.amazonaws.com/test.txt',
      headers: {},
      query: {},
      expiresInSeconds: 86_400,
      at: Date.UTC(2013, 4, 24)
    },
    keyOf('20130524', 'us-east-1')
  )
  t.equal(
    new URL(url).searchParams.get('X-Amz-Signature'),
    'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
  )
})

const ENDPOINT = 'https://s3-nl.hostkey.com'
const at = Date.UTC(2026, 10, 30, 1, 2, 3)
const presigner = new S3RequestPresigner({ ...new S3Client({ region: 'nl', credentials: pair }).config })

/** The URL of the presigner of the AWS SDK. */
const presignedBySdk = async (
  method: string,
  url: string,
  headers: Record<string, string>,
  query: Record<string, string>
): Promise<string> => {
  const { hostname, pathname } = new URL(url)
  const request = {
    method,
    protocol: 'https:',
    hostname,
    path: pathname,
    query,
    headers: { host: hostname, ...headers }
  }
  const signed = await presigner.presign(
    // A request that only is signed needs no clone().
    request as unknown as Parameters<S3RequestPresigner['presign']>[0],
    { expiresIn: 300, signingDate: new Date(at), signableHeaders: new Set([...Object.keys(headers), 'host']) }
  )
  const parameters = Object.entries(signed.query ?? {}).map(([name, value]): [string, string] => [name, String(value)])
  return `${signed.protocol}//${signed.hostname}${signed.path}?${new URLSearchParams(parameters)}`
}

/** Path and query, whatever the order of the parameters. */
const partsOf = (url: string) => {
  const { origin, pathname, searchParams } = new URL(url)
  return { origin, pathname, query: Object.fromEntries([...searchParams].sort()) }
}

t.test('every URL is that of the presigner of the AWS SDK', async t => {
  const paths = awkwardPaths.filter(path => !hasDotSegment(path))
  t.ok(paths.length >= 30)
  const cases = paths.flatMap(path => [
    { method: 'GET' as const, path, headers: {}, query: {} },
    {
      method: 'GET' as const,
      path,
      headers: {},
      query: { 'response-content-disposition': dispositionOf('a "name" (1)+é*.txt') }
    },
    { method: 'PUT' as const, path, headers: { 'content-type': 'text/plain; charset=utf-8' }, query: {} },
    { method: 'PUT' as const, path, headers: { 'content-type': 'image/png', 'content-length': '17' }, query: {} }
  ])
  for (const { method, path, headers, query } of cases) {
    const url = objectUrl(ENDPOINT, 'my.bucket', path)
    const ours = await presignUrl(
      {
        method,
        url,
        headers,
        query: { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD', ...query },
        expiresInSeconds: 300,
        at
      },
      keyOf('20261130', 'nl')
    )
    t.strictSame(partsOf(ours), partsOf(await presignedBySdk(method, url, headers, query)), `${method} ${path}`)
    t.notMatch(ours, /\+/, 'a space is %20, which every server reads alike')
  }
})

t.test('the path of a URL is the path of the file, whatever it holds', async t => {
  for (const path of awkwardPaths) {
    const { pathname } = new URL(objectUrl(ENDPOINT, 'bucket', path))
    t.equal(decodeURIComponent(pathname) === `/bucket/${path}`, !hasDotSegment(path), JSON.stringify(path))
  }
})

t.test('the name of a download is UTF-8, and without other characters for old clients', async t => {
  t.equal(dispositionOf('report.pdf'), `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`)
  t.equal(dispositionOf('a"é.txt'), `attachment; filename="a__.txt"; filename*=UTF-8''a%22%C3%A9.txt`)
})
