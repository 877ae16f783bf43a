import t from 'tap'
import { isLong } from '../support/harness/amount.ts'
import {
  bySegment,
  deletionOf,
  FILES,
  fileDeletions,
  isFilePath,
  shown,
  ways
} from '../support/harness/file-deletions.ts'

/** Paths that trimming, decoding, encoding, normalising or splitting would change. */
const allPaths: readonly string[] = [
  'plain.txt',
  'folder/plain.txt',
  'a//b',
  '//',
  '/',
  '/leading.txt',
  '//host/leading.txt',
  'trail/',
  'trail//',
  'a/./b',
  'a/../b',
  './a',
  'a/.',
  'a/..',
  '../a',
  '../../logs',
  '../../logs/',
  '../../../../s3_user_1',
  '../../../../s3_user_2',
  '../../../../../accounts/s3_user_1',
  '..\\..\\logs',
  'a\\..\\b',
  'back\\slash.txt',
  '...',
  '.hidden',
  '..hidden',
  '%2e',
  '%2e%2e',
  '%2E%2E/a',
  '.%2e/%2e.',
  '%252e%252e%252flogs',
  '..%2F..%2Flogs',
  '..%5C..%5Clogs',
  'a%2Fb',
  'a%2fb',
  'a%252Fb',
  'a%20b',
  'a%00b',
  '100%.txt',
  '%',
  '%%',
  '%zz',
  '%FF',
  '%u002e',
  'a+b',
  '+',
  'a b',
  ' leading space',
  'trailing space ',
  'what?',
  '?',
  'a?path=b',
  'hash#1',
  '#',
  'semi;colon',
  ';',
  'a;path=b',
  'and&path=b',
  '&',
  'equals=',
  '=',
  'path=a',
  '[]',
  'colon:at@comma,dollar$',
  'http://host/a',
  'quote"apostrophe\'back`tick',
  '<angle>{brace}|pipe^',
  'new\nline',
  'carriage\rreturn\r\n',
  'tab\tstop',
  '\u0001\u001b\u007f',
  'caf\u00e9',
  'cafe\u0301',
  '\u212b\u00c5A\u030a',
  '\ufb01\u00df\u0130',
  '\ufeffmark',
  '\u202egpj.exe',
  '\u00a0\u2028\u3000',
  '\ufffd',
  '\uff0e\uff0e\uff0f',
  '\u{1f600}',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  '\u{10ffff}',
  '__proto__',
  'constructor',
  'x'.repeat(1024),
  '\u00e9'.repeat(512),
  '\u{1f600}'.repeat(256),
  '%'.repeat(1024),
  '../'.repeat(341)
]

const paths = allPaths.filter((_, index) => isLong || index % 3 === 0)

/** Paths that cannot be named in any way. */
const impossible: readonly string[] = [
  '',
  '\0',
  'nul\0',
  'a\0/../b',
  'x'.repeat(1025),
  `${'\u00e9'.repeat(512)}x`,
  '\u{1f600}'.repeat(257)
]

t.test('DELETE …/files/* and ?path=: exactly that path', async t => {
  const { byRaw, byFetch, sandbox } = await fileDeletions(t)
  const send = { raw: byRaw, fetch: byFetch }

  for (const { name, by, targetOf, loses } of ways) {
    t.test(`204 and that path alone goes to HOSTKEY: ${name}`, async t => {
      for (const path of [...paths, '.', '..'].filter(path => !loses?.(path))) {
        sandbox.control.putFile('empty-bucket', path)
        const reply = await send[by](targetOf(path, place => place % 2 === 0))
        t.strictSame(
          reply,
          { status: 204, problem: undefined, seen: [deletionOf(path)], undocumented: [] },
          shown(path)
        )
      }
    })

    t.test(`4xx and nothing goes to HOSTKEY: ${name}`, async t => {
      for (const path of impossible) {
        const { status, problem, seen, undocumented } = await send[by](targetOf(path, () => false))
        const expected = path === '' ? 'file-path-required' : 'file-path-encoding'
        t.strictSame(
          { status, problem, seen, undocumented },
          { status: 400, problem: expected, seen: [], undocumented: [] },
          shown(path)
        )
        t.notOk(isFilePath(path))
      }
      for (const path of ['.', '..'].filter(path => loses?.(path))) {
        const { status, seen } = await send[by](targetOf(path, () => false))
        t.ok(status === 400 || status === 404)
        t.strictSame(seen, [], shown(path))
      }
    })
  }
})

t.test('links.self of each file deletes exactly this file', async t => {
  const { byRaw, byFetch, sandbox, get } = await fileDeletions(t)
  for (const send of [byRaw, byFetch]) {
    for (const path of [...paths, '.', '..']) sandbox.control.putFile('empty-bucket', path)
    const { items } = (await get(`${FILES}?recursive=true&limit=1000`)).json() as {
      items: { path: string; links: { self: string } }[]
    }
    t.strictSame(items.map(({ path }) => shown(path)).sort(), [...paths, '.', '..'].map(path => shown(path)).sort())
    for (const { path, links } of items) t.strictSame((await send(links.self)).seen, [deletionOf(path)], shown(path))
    t.strictSame((await get(`${FILES}?recursive=true`)).json().items, [])
  }
})

/**
 * A URL library removes dot segments before it sends: no server can see the intended path, so callers use
 * `links.self`. No account is lost in any case: the request has no Confirm-Delete header.
 */
t.test('DELETE …/files/* encoded by segment, fetch: never an account', async t => {
  const { byFetch, sandbox } = await fileDeletions(t)

  t.test('428 confirmation-required when the path climbs up to an account', async t => {
    const climbs = ['../../../../s3_user_1', '../../../x/../../s3_user_1', '../../../../../accounts/s3_user_1']
    for (const path of climbs) {
      const { status, problem, seen } = await byFetch(`${FILES}/${bySegment(path)}`)
      t.strictSame({ status, problem, seen }, { status: 428, problem: 'confirmation-required', seen: [] }, shown(path))
    }
  })

  t.test('no path of the table reaches delete_account', async t => {
    for (const path of [...paths, ...impossible, '.', '..']) {
      const { seen } = await byFetch(`${FILES}/${bySegment(path)}`)
      t.notOk(
        seen.some(({ action }) => action === 'delete_account'),
        shown(path)
      )
    }
    t.match(
      sandbox.control.state().accounts.map(({ s3uid }) => s3uid),
      ['s3_user_1', 's3_user_2']
    )
  })
})
