import t from 'tap'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { withServices } from '../../../support/harness/services.ts'

const ACCOUNT = '/accounts/s3_user_1'
const FILES = `${ACCOUNT}/buckets/holiday-pictures/files`

/** Every reply with a version. */
const versioned = [
  '/accounts',
  ACCOUNT,
  `${ACCOUNT}/buckets`,
  FILES,
  `${ACCOUNT}/usage`,
  '/plans',
  '/plans/1',
  '/plans/2/history'
]

t.test('a reply with a version', async t => {
  const { get, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  t.beforeEach(() => control.clearCalls())

  for (const path of versioned) {
    t.test(`304 without a body when the caller has the version of ${path}`, async t => {
      const first = await get(path)
      const tag = first.headers['etag'] ?? ''
      t.equal(first.statusCode, 200)
      t.match(tag, /^W\/"[0-9a-f]{16}"$/)
      const keeps = path.startsWith('/plans') ? 'private, max-age=60' : 'private, no-cache'
      const vary = 'Authorization, Cookie, Origin'
      t.match(first.headers, { 'cache-control': keeps, vary })
      const again = await get(path, { headers: { 'if-none-match': tag } })
      t.equal(again.statusCode, 304)
      t.equal(again.text, '')
      t.match(again.headers, { etag: tag, 'cache-control': keeps, vary, 'x-request-id': String })
      t.equal(again.headers['content-type'], undefined)
      t.equal(again.headers['content-length'], undefined)
    })
  }

  t.test('304 for every form of If-None-Match that matches', async t => {
    const tag = (await get('/accounts')).headers['etag'] ?? ''
    for (const value of ['*', ' * ', tag, tag.slice(2), `"a", ${tag}`, `${tag},W/"b"`, `"a,b" , ${tag.slice(2)}`]) {
      t.equal((await get('/accounts', { headers: { 'if-none-match': value } })).statusCode, 304, value)
    }
  })

  t.test('200 for another version', async t => {
    const tag = (await get('/accounts')).headers['etag'] ?? ''
    for (const value of ['"a"', 'W/"a"', tag.slice(3, -1), `"*"`, `"x${tag.slice(3)}`, tag.toUpperCase()]) {
      t.equal((await get('/accounts', { headers: { 'if-none-match': value } })).statusCode, 200, value)
    }
  })

  t.test('200 with another version after a change', async t => {
    const tag = (await get(FILES)).headers['etag'] ?? ''
    control.putFile('holiday-pictures', '0-new.jpg')
    const reply = await get(FILES, { headers: { 'if-none-match': tag } })
    t.equal(reply.statusCode, 200)
    t.not(reply.headers['etag'], tag)
  })

  t.test('no version and no caching of credentials, failures and the session', async t => {
    for (const path of [`${ACCOUNT}/keys/access-key`, '/session', '/accounts/s3_user_77', '/plans/77']) {
      const { headers } = await get(path, { headers: { 'if-none-match': '*' } })
      t.equal(headers['etag'], undefined, path)
      t.equal(headers['cache-control'], 'no-store', path)
    }
  })

  t.test('one call to HOSTKEY without If-None-Match', async t => {
    await get('/accounts')
    t.same(asked(), ['get_users'])
  })
})

t.test('the version of a caller', async t => {
  const g = await gateway(t)
  const { control, demo } = g.sandbox
  const { get } = g

  t.test('differs from that of another customer with the same reply', async t => {
    const mine = await get('/plans/2')
    const theirs = await get('/plans/2', { token: control.tokenOf('other') })
    t.equal(mine.text, theirs.text)
    t.not(mine.headers['etag'], theirs.headers['etag'])
    const headers = { 'if-none-match': mine.headers['etag'] ?? '' }
    t.equal((await get('/plans/2', { token: control.tokenOf('other'), headers })).statusCode, 200)
  })

  t.test('is the same after another login', async t => {
    const first = createBrowser(g)
    const second = createBrowser(g)
    await first.logIn({ apiKey: demo.apiKey })
    await second.logIn({ apiKey: demo.apiKey })
    const tag = (await first.get('/accounts')).headers['etag'] ?? ''
    t.equal((await second.get('/accounts')).headers['etag'], tag)
    const headers = { 'if-none-match': tag }
    t.equal((await get('/accounts', { headers })).statusCode, 304, 'by a token of the same customer')
    control.expireSessions()
    t.equal((await get('/accounts', { token: control.tokenOf('demo'), headers })).statusCode, 304, 'and by a new one')
  })

  t.test('304 at once, and 200 after a second, when HOSTKEY does not identify the token', async t => {
    const token = control.tokenOf('storage-only')
    const { headers } = await get('/plans/1', { token })
    control.fault({ kind: 'hang', action: 'info' })
    const again = { token, headers: { 'if-none-match': headers['etag'] ?? '' } }
    const startedAt = performance.now()
    t.equal((await get('/plans/1', again)).statusCode, 304)
    t.equal((await get('/accounts', { ...again })).statusCode, 200)
    const ms = performance.now() - startedAt
    // Only the other version waits a second; the deadline of the call is ten.
    t.ok(ms > 900 && ms < 5000, `${ms} ms`)
    control.clearFaults()
  })

  t.test('200 and 304 when HOSTKEY fails to identify the token', async t => {
    const token = control.tokenOf('two-factor')
    const { headers } = await get('/plans/1', { token })
    control.fault({ kind: 'html-502', action: 'info' })
    const again = { token, headers: { 'if-none-match': headers['etag'] ?? '' } }
    t.equal((await get('/plans/1', again)).statusCode, 304)
    t.equal((await get('/accounts', { ...again })).statusCode, 200)
    control.clearFaults()
  })
})

t.test('a service keeps its version after a new login', async t => {
  const { as, get, sandbox } = await withServices(t, { reports: {} })
  const tag = (await get('/accounts', as.reports)).headers['etag'] ?? ''
  sandbox.control.expireSessions()
  t.equal((await get('/accounts', { ...as.reports, headers: { 'if-none-match': tag } })).statusCode, 304)
})
