import t, { type Test } from 'tap'
import { parseQuery } from '../../../src/http/query.ts'
import { deletionOf, FILES, fileDeletions, shown } from '../../support/harness/file-deletions.ts'

/** What follows `/files`, and the problem that it is. */
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

/** Bytes that are no UTF-8, as no text can hold them. */
const rawByte = (target: string, byte: number) => Buffer.concat([Buffer.from(target), Buffer.from([byte])])

t.test('DELETE …/files: what names no file, or not only one way', async t => {
  const { byRaw, byFetch } = await fileDeletions(t)

  for (const [after, problem, status = 400] of refused) {
    const target = `${FILES}${after}`
    const expected = { status, problem, seen: [], undocumented: [] }
    t.test(`${status} ${problem} when the target ends in ${shown(`/files${after}`)}`, async t => {
      t.strictSame(await byRaw(target), expected, 'raw')
      // What `fetch` would send otherwise than written is another request.
      if (arrivesAsWritten(target)) t.strictSame(await byFetch(target), expected, 'fetch')
    })
  }

  t.test('400 invalid-request when the target holds a byte that is no UTF-8', async t => {
    for (const target of [`${FILES}/caf`, `${FILES}?path=caf`]) {
      const { status, problem, seen } = await byRaw(rawByte(target, 0xe9))
      t.strictSame({ status, problem, seen }, { status: 400, problem: 'invalid-request', seen: [] })
    }
  })

  t.test('431 headers-too-large when the target fills them', async t => {
    const { status, problem, seen } = await byRaw(`${FILES}?path=${'x'.repeat(17_000)}`)
    t.strictSame({ status, problem, seen }, { status: 431, problem: 'headers-too-large', seen: [] })
  })
})

t.test('GET …/files: 400 malformed-url when the URL is not well encoded', async t => {
  const { get } = await fileDeletions(t)
  for (const target of [`${FILES}?search=%zz`, `${FILES}?search=%FF`, `${FILES}/%zz`]) {
    t.match((await get(target)).json(), { type: /\/problems\/malformed-url$/, status: 400 }, target)
  }
})

t.test('a query of 8,000 repeated names is read at once', async t => {
  const query = 'a&'.repeat(8000)
  const times = [1, 2, 3].map(() => {
    const startedAt = performance.now()
    parseQuery(query)
    return performance.now() - startedAt
  })
  // About 3 ms; to copy the list for each name took 330.
  t.ok(Math.min(...times) < 80, `${Math.min(...times).toFixed(1)} ms`)
})

t.test('the router folds, cuts and lowers nothing', async t => {
  const { byRaw } = await fileDeletions(t)
  const exactly = async (t: Test, path: string) =>
    t.strictSame((await byRaw(`${FILES}/${path}`)).seen, [deletionOf(path)], path)
  const nothing = async (t: Test, target: string) => {
    const { status, problem, seen } = await byRaw(target)
    t.strictSame({ status, problem, seen }, { status: 404, problem: 'route-not-found', seen: [] }, target)
  }

  t.test('ignoreTrailingSlash is off', async t => {
    await exactly(t, 'trail/')
    // Else `..` sent by `fetch` as a file would be the deletion of its bucket.
    await nothing(t, '/accounts/s3_user_1/buckets/empty-bucket/')
    await nothing(t, '/accounts/s3_user_1/')
  })

  t.test('ignoreDuplicateSlashes is off', async t => {
    await exactly(t, 'a//b')
    await exactly(t, '/a')
    await nothing(t, '//accounts/s3_user_1/buckets/empty-bucket')
    await nothing(t, '/accounts//s3_user_1/buckets/empty-bucket')
  })

  t.test('useSemicolonDelimiter is off', async t => {
    await exactly(t, 'a;b')
    await nothing(t, `${FILES};path=a`)
  })

  t.test('caseSensitive is on', async t => {
    await nothing(t, FILES.replace('buckets', 'Buckets'))
    await nothing(t, FILES.replace('files', 'FILES'))
  })
})

const arrivesAsWritten = (target: string) => {
  const { pathname, search, hash } = new URL(target, 'http://gateway')
  return hash === '' && `${pathname}${search}` === target
}
