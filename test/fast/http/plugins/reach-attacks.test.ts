import t from 'tap'
import { scopes } from '../../../../schemas/scopes.ts'
import { encodeCursor } from '../../../../src/domain/storage/cursor.ts'
import { fails } from '../../../support/assert/expect.ts'
import { withServices } from '../../../support/harness/services.ts'

const all = scopes.filter(scope => scope !== 'admin')
const BUCKET = '/accounts/s3_user_1/buckets/holiday-pictures'
/** Composed. */
const CAFE = 'caf\u00e9/'

const { get, post, send, as, sandbox } = await withServices(t, {
  within: { scopes: all, buckets: ['s3_user_1/holiday-pictures'], pathPrefix: 'a/' },
  cafe: { scopes: all, pathPrefix: CAFE },
  summer: { scopes: all, buckets: ['s3_user_1/holiday-pictures'], pathPrefix: '2021/summer/' },
  whole: { scopes: all }
})
const { control } = sandbox
t.beforeEach(() => control.clearCalls())
const asked = () => control.calls().filter(({ script }) => script === 's3.php')

/** Paths that are not below `a/`, or that HOSTKEY might read as such a path. */
const OUTSIDE = [
  'a',
  'ab',
  'ab/x',
  'A/x',
  '/a/x',
  ' a/x',
  './a/x',
  'b/a/x',
  'a\\x',
  'a%2Fx',
  '\u0430/x',
  'a\u2044x',
  'a/../b',
  'a/./../b',
  'a/..',
  'a/.',
  'a/b/../../c',
  'a//../../b'
]

/** Every way in which an operation names one of them. */
const waysTo = (path: string): [method: string, target: string, body?: object][] => {
  const encoded = encodeURIComponent(path)
  const folder = `${encoded}${path.endsWith('/') ? '' : '%2F'}`
  return [
    ['GET', `${BUCKET}/files?folder=${folder}`],
    ['HEAD', `${BUCKET}/files?folder=${folder}`],
    ['GET', `${BUCKET}/files?folder=${folder}&recursive=true`],
    ['GET', `${BUCKET}/file-stream?folder=${folder}`],
    ['GET', `${BUCKET}/folders/summary?folder=${folder}`],
    ['DELETE', `${BUCKET}/files?path=${encoded}`],
    ['DELETE', `${BUCKET}/files/${encoded}`],
    ['POST', `${BUCKET}/presigned-urls`, { operation: 'upload', path }],
    ['POST', `${BUCKET}/presigned-urls`, { operation: 'download', path }],
    ['POST', `${BUCKET}/file-deletions`, { paths: [path] }],
    ['POST', `${BUCKET}/file-deletions`, { paths: ['a/x', 'a/y', path] }],
    ['POST', `${BUCKET}/file-deletions`, { prefix: path, confirm: 'holiday-pictures' }]
  ]
}

t.test('403 and no call to HOSTKEY for each path outside the prefix, in each operation', async t => {
  let refused = 0
  for (const path of OUTSIDE) {
    for (const [method, target, body] of waysTo(path)) {
      // The folder `a/` is the prefix itself.
      if (path === 'a' && target.includes('folder=')) continue
      const { statusCode, text } = await send(method, target, { ...as.within, ...(body && { body }) })
      const isRefused = statusCode === 403 && (method === 'HEAD' || text.includes('insufficient-scope'))
      t.ok(isRefused, `${method} ${target}: ${statusCode} ${text}`)
      refused += 1
    }
  }
  t.ok(refused > 200, `${refused} requests`)
  t.strictSame(asked(), [])
})

t.test('403 or 400 where the folder is missing, empty or there twice, or is only searched for', async t => {
  for (const query of ['', '?folder=', '?search=a/', '?folder=&search=a/', '?folder=a/&folder=b/', '?folder[]=a/']) {
    for (const path of ['files', 'file-stream', 'folders/summary']) {
      const { statusCode } = await get(`${BUCKET}/${path}${query}`, as.within)
      t.ok([400, 403].includes(statusCode), `${path}${query}: ${statusCode}`)
    }
  }
  t.strictSame(asked(), [])
})

t.test('403 for a name in another normalisation; the prefix is compared byte for byte', async t => {
  const urls = `${BUCKET}/presigned-urls`
  t.equal((await post(urls, { operation: 'download', path: `${CAFE}x` }, as.cafe)).statusCode, 201)
  const other = `${CAFE}x`.normalize('NFD')
  t.not(other, `${CAFE}x`)
  fails(t, await post(urls, { operation: 'download', path: other }, as.cafe), 403, 'insufficient-scope')
})

t.test('lists and cursors show nothing outside the prefix, whatever HOSTKEY does with a search', async t => {
  const folder = '2021/summer/'
  const selection = { s3uid: 's3_user_1', bucket: 'holiday-pictures', prefix: folder, isRecursive: true, text: '' }
  const query = `?folder=${encodeURIComponent(folder)}&recursive=true&limit=7`
  const isInside = (items: { path: string }[]) => items.every(({ path }) => path.startsWith(folder))
  const wide = (await get(`${BUCKET}/files?recursive=true&limit=1`, as.whole)).json().nextCursor
  fails(t, await get(`${BUCKET}/files${query}&cursor=${wide}`, as.summer), 400, 'invalid-cursor')
  for (const searchMode of ['substring', 'prefix', 'ignored'] as const) {
    control.setBehaviours({ searchMode })
    const page = (await get(`${BUCKET}/files${query}`, as.summer)).json()
    t.ok(page.items.length > 0 || searchMode === 'ignored', searchMode)
    t.ok(isInside(page.items))
    // The token of a list of the whole bucket, in a cursor that is made up.
    control.clearCalls()
    await get(`${BUCKET}/files?recursive=true&limit=300`, as.whole)
    const token = control.calls().find(({ fields }) => fields['continuation_token'])?.fields['continuation_token']
    t.ok(token, 'a token of the wider list')
    for (const [isByText, bound] of [
      [false, ''],
      [true, ''],
      [false, '2021/']
    ] as const) {
      const state = { isComplete: true, canOpen: true, isShown: true, lastFolder: '', isByText }
      const forged = encodeCursor({ ...state, marks: [{ prefix: folder, token, bound }] }, selection)
      const reply = await get(`${BUCKET}/files${query}&cursor=${forged}`, as.summer)
      t.ok(reply.statusCode !== 200 || isInside(reply.json().items), reply.text)
      t.notMatch(reply.text, /picture-0\d\d\.jpg","name":"picture/, 'nothing of the root')
    }
  }
  control.setBehaviours({ searchMode: 'substring' })
})

t.test('a service calls from its networks only, in whatever form the address comes', async t => {
  const env = { TRUST_PROXY: '127.0.0.1' }
  const services = {
    four: { networks: ['10.0.0.0/8'] },
    mapped: { networks: ['::ffff:10.0.0.0/104'] },
    six: { networks: ['2001:db8::/32'] }
  }
  const { get, as } = await withServices(t, services, env)
  const from = async (caller: object, address?: string) =>
    (await get('/accounts', { ...caller, ...(address && { headers: { 'x-forwarded-for': address } }) })).statusCode
  for (const address of [
    '10.1.2.3',
    '::ffff:10.1.2.3',
    '::ffff:a01:203',
    '"[::ffff:10.1.2.3]:4711"',
    '8.8.8.8, 10.1.2.3'
  ]) {
    t.strictSame([await from(as.four, address), await from(as.mapped, address)], [200, 200], address)
    t.equal(await from(as.six, address), 401, address)
  }
  for (const address of ['10.1.2.3, 8.8.8.8', '11.0.0.1', '64:ff9b::a01:203', '2001:db9::1', '10.1.2.3.example', '']) {
    t.strictSame(
      [await from(as.four, address), await from(as.mapped, address), await from(as.six, address)],
      [401, 401, 401],
      address
    )
  }
  t.equal(await from(as.six, '2001:db8:1::7'), 200)
  const direct = await withServices(t, services)
  for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'x-client-ip', 'true-client-ip']) {
    const headers = { [name]: name === 'forwarded' ? 'for=10.1.2.3' : '10.1.2.3' }
    t.equal((await direct.get('/accounts', { ...direct.as.four, headers })).statusCode, 401, name)
  }
})
