import t from 'tap'
import { parseQuery } from '../../../src/http/query.ts'
import { deletionOf, FILES, fileDeletions, shown } from '../../support/harness/file-deletions.ts'

/** Text after `/files` in the target, and the problem of the reply; status 400 unless given. */
const refused: readonly (readonly [after: string, problem: string, status?: number])[] = [
  ['', 'file-path-required'],
  ['?', 'file-path-required'],
  ['?path', 'file-path-required'],
  ['?path=', 'file-path-required'],
  ['/', 'file-path-required'],
  ['/?path=a', 'file-path-required'],
  ['/a?path=a', 'invalid-request'],
  ['/a?path', 'invalid-request'],
  ['/a?x=1', 'invalid-request'],
  ['/a?', 'malformed-url'],
  ['/a?&', 'malformed-url'],
  ['?path=a&x=1', 'invalid-request'],
  ['?x=1', 'invalid-request'],
  ['?Path=a', 'invalid-request'],
  ['?path[]=a', 'invalid-request'],
  ['?path%5B%5D=a', 'invalid-request'],
  ['?path[0]=a', 'invalid-request'],
  ['?path.=a', 'invalid-request'],
  ['?path%00=a', 'invalid-request'],
  ['?%20path=a', 'invalid-request'],
  ['?__proto__=a', 'invalid-request'],
  ['?path=a&__proto__=a', 'invalid-request'],
  ['?path=a&path=b', 'file-path-encoding'],
  ['?path=a&path=a', 'file-path-encoding'],
  ['?path=a&path=', 'file-path-encoding'],
  ['?path=a&p%61th=b', 'file-path-encoding'],
  ['?path&path', 'file-path-encoding'],
  ['?path=%', 'malformed-url'],
  ['?path=%zz', 'malformed-url'],
  ['?path=100%.txt', 'malformed-url'],
  ['?path=%u002e', 'malformed-url'],
  ['?path=%FF', 'malformed-url'],
  ['?path=caf%E9', 'malformed-url'],
  ['?path=%C3', 'malformed-url'],
  ['?path=%C0%AF', 'malformed-url'],
  ['?path=%ED%A0%80', 'malformed-url'],
  ['?path=%F4%90%80%80', 'malformed-url'],
  ['?path=a&%FF=b', 'malformed-url'],
  ['?path=a%00', 'file-path-encoding'],
  ['/%', 'malformed-url'],
  ['/%zz', 'malformed-url'],
  ['/100%.txt', 'malformed-url'],
  ['/%u002e', 'malformed-url'],
  ['/%FF', 'malformed-url'],
  ['/caf%E9', 'malformed-url'],
  ['/%C3', 'malformed-url'],
  ['/%C0%AF', 'malformed-url'],
  ['/%ED%A0%80', 'malformed-url'],
  ['/%F4%90%80%80', 'malformed-url'],
  ['/a%00', 'file-path-encoding'],
  ['/a#b', 'malformed-url'],
  ['/a#', 'malformed-url'],
  ['?path=a#b', 'malformed-url'],
  ['#/a', 'malformed-url'],
  [`/${'x'.repeat(4097)}`, 'file-path-encoding'],
  [`/${'x'.repeat(8192)}`, 'uri-too-long', 414],
  [`?path=${'x'.repeat(8192)}`, 'uri-too-long', 414],
  ['/caf\u00e9', 'invalid-request'],
  ['?path=caf\u00e9', 'invalid-request'],
  ['/a b', 'invalid-request'],
  ['s/a', 'route-not-found', 404],
  [';/a', 'route-not-found', 404],
  [';path=a', 'route-not-found', 404]
]

t.test('DELETE …/files with a target that does not name exactly one file', async t => {
  const { byRaw, byFetch } = await fileDeletions(t)
  const refusalOf = async (target: string | Uint8Array) => {
    const { status, problem, seen } = await byRaw(target)
    return { status, problem, seen }
  }

  for (const [after, problem, status = 400] of refused) {
    const target = `${FILES}${after}`
    const expected = { status, problem, seen: [], undocumented: [] }
    t.test(`${status} ${problem} when the target ends in ${shown(`/files${after}`)}`, async t => {
      t.strictSame(await byRaw(target), expected, 'raw')
      // `fetch` rewrites the other targets: those are other requests.
      if (isSentAsWritten(target)) t.strictSame(await byFetch(target), expected, 'fetch')
    })
  }

  t.test('400 invalid-request when the target has a byte that is not UTF-8', async t => {
    for (const target of [`${FILES}/caf`, `${FILES}?path=caf`]) {
      const bytes = Buffer.concat([Buffer.from(target), Buffer.from([0xe9])])
      t.strictSame(await refusalOf(bytes), { status: 400, problem: 'invalid-request', seen: [] })
    }
  })

  t.test('431 headers-too-large when the target alone exceeds the limit of the head', async t => {
    const target = `${FILES}?path=${'x'.repeat(17_000)}`
    t.strictSame(await refusalOf(target), { status: 431, problem: 'headers-too-large', seen: [] })
  })

  t.test('the router does not normalise the path', async t => {
    const deletesExactly = async (path: string) =>
      t.strictSame((await byRaw(`${FILES}/${path}`)).seen, [deletionOf(path)], path)
    const isUnknown = async (target: string) =>
      t.strictSame(await refusalOf(target), { status: 404, problem: 'route-not-found', seen: [] }, target)
    // A trailing slash. Otherwise `..` sent by `fetch` as a file would delete its bucket.
    await deletesExactly('trail/')
    await isUnknown('/accounts/s3_user_1/buckets/empty-bucket/')
    await isUnknown('/accounts/s3_user_1/')
    // Repeated slashes.
    await deletesExactly('a//b')
    await deletesExactly('/a')
    await isUnknown('//accounts/s3_user_1/buckets/empty-bucket')
    await isUnknown('/accounts//s3_user_1/buckets/empty-bucket')
    // A semicolon as the delimiter of the query.
    await deletesExactly('a;b')
    // Upper and lower case.
    await isUnknown(FILES.replace('buckets', 'Buckets'))
    await isUnknown(FILES.replace('files', 'FILES'))
  })
})

t.test('a query with 8,000 repeated names is parsed in linear time', async t => {
  const query = 'a&'.repeat(8000)
  const times = [1, 2, 3].map(() => {
    const startedAt = performance.now()
    parseQuery(query)
    return performance.now() - startedAt
  })
  // About 3 ms; copying the list for each name took 330 ms.
  t.ok(Math.min(...times) < 80, `${Math.min(...times).toFixed(1)} ms`)
})

const isSentAsWritten = (target: string) => {
  const { pathname, search, hash } = new URL(target, 'http://gateway')
  return hash === '' && `${pathname}${search}` === target
}
