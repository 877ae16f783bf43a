import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { leaksIn } from '../../support/assert/leaks.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { type Gateway, gateway } from '../../support/harness/gateway.ts'
import { withServices } from '../../support/harness/services.ts'

const LOGS = '/accounts/s3_user_1/buckets/logs'
const FILES = `${LOGS}/files`
const wanted = { name: 'a partner', scopes: ['buckets:read', 'files:read'], expiresInSeconds: 3600 }

/** Makes a token, and gives it as a credential. */
const make = async ({ post }: Pick<Gateway, 'post'>, body: object, options = {}) => {
  const reply = await post('/tokens', { ...wanted, ...body }, options)
  if (reply.statusCode !== 201) throw new Error(reply.text)
  const { token, tokenId, expiresAt }: { token: string; tokenId: string; expiresAt: string } = reply.json()
  return { token, tokenId, expiresAt }
}

const namesIn = (reply: { json(): { items: { name: string }[] } }) => reply.json().items.map(({ name }) => name)

t.test('POST /tokens', async t => {
  const running = await gateway(t)
  const { get, post, del, sandbox } = running
  const { control } = sandbox

  t.test('201 makes a token that does what it may, and is shown once', async t => {
    const made = await post('/tokens', { ...wanted, buckets: ['s3_user_1/logs'] })
    t.equal(made.statusCode, 201, made.text)
    t.match(made.json(), { token: /^hkt_/, tokenId: String, expiresAt: String })
    t.equal(made.headers['cache-control'], 'no-store')
    const { token, tokenId } = made.json()
    t.equal((await get(FILES, { token })).statusCode, 200)
    control.clearCalls()
    fails(t, await get('/accounts', { token }), 403, 'insufficient-scope')
    fails(t, await get('/accounts/s3_user_1/buckets/photos/files', { token }), 403, 'insufficient-scope')
    t.strictSame(control.calls(), [])
    const listed = await get('/tokens')
    t.hasStrict(listed.json().items[0], { tokenId, name: 'a partner', buckets: ['s3_user_1/logs'], madeBy: 'bearer' })
    t.strictSame(leaksIn([listed.text, ...running.lines], [token, token.split('_')[2] ?? '']), [])
    const { scopes, email } = (await get('/session', { token })).json()
    t.strictSame([scopes, email], [wanted.scopes, undefined])
  })

  t.test('403 scope-exceeds-caller for more than the maker has; nothing is asked of HOSTKEY', async t => {
    const limits = { accounts: ['s3_user_1'], buckets: ['s3_user_1/logs'], pathPrefix: 'a/', expiresInSeconds: 600 }
    const parent = await make(running, limits)
    control.clearCalls()
    for (const more of [
      { scopes: ['files:delete'] },
      { scopes: ['admin'] },
      { accounts: ['s3_user_2'] },
      { buckets: ['s3_user_1/photos'] },
      { pathPrefix: 'b/' },
      { pathPrefix: 'aa/' },
      { expiresInSeconds: 700 }
    ]) {
      const body = { ...wanted, expiresInSeconds: 60, ...more }
      fails(t, await post('/tokens', body, { token: parent.token }), 403, 'scope-exceeds-caller')
    }
    t.strictSame(control.calls(), [])
    const child = await make(running, { scopes: ['files:read'], expiresInSeconds: 60 }, { token: parent.token })
    t.hasStrict((await get('/tokens', { token: child.token })).json().items[0], {
      accounts: limits.accounts,
      buckets: limits.buckets,
      pathPrefix: 'a/'
    })
    t.equal((await get(`${FILES}?folder=a/`, { token: child.token })).statusCode, 200)
    fails(t, await get(FILES, { token: child.token }), 403, 'insufficient-scope')
    t.equal((await get(`${LOGS.replace('/logs', '')}`, { token: parent.token })).json().items.length, 1)
  })

  t.test('403 scope-exceeds-caller for a time after the end of the session', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: sandbox.demo.apiKey })
    fails(t, await browser.post('/tokens', { ...wanted, expiresInSeconds: 86_400 }), 403, 'scope-exceeds-caller')
  })

  t.test('409 too-many-tokens six steps away', async t => {
    let token = sandbox.demo.token
    for (let step = 0; step < 5; step += 1)
      token = (await make(running, { expiresInSeconds: 600 - step * 60 }, { token })).token
    fails(t, await post('/tokens', { ...wanted, expiresInSeconds: 60 }, { token }), 409, 'too-many-tokens')
  })

  t.test('401 for what is no token; it never reaches HOSTKEY', async t => {
    const { token } = await make(running, {})
    control.clearCalls()
    for (const wrong of [token.slice(0, -1), `${token}A`, token.toUpperCase(), `x${token}`, `"${token}"`, 'hkt_']) {
      fails(t, await get(FILES, { token: wrong }), 401, 'invalid-token', {
        detail: 'The token is malformed: send `Bearer hkt_…` as it was issued, without quotes.'
      })
    }
    fails(t, await get(FILES, { token: `${token.slice(0, -2)}AA` }), 401, 'invalid-token')
    const headers = { 'x-csrf': '1' }
    for (const credential of [{ token }, { apiKey: token }]) {
      fails(t, await post('/session', credential, { token: null, headers }), 400, 'invalid-request')
    }
    t.strictSame(control.calls(), [])
  })

  t.test('a URL and a job do not outlive or exceed it', async t => {
    const scopes = ['files:download', 'files:delete', 'files:read']
    const { token, expiresAt } = await make(running, { scopes, accounts: ['s3_user_1'], expiresInSeconds: 90 })
    const signed = await post(
      `${LOGS}/presigned-urls`,
      { operation: 'download', path: 'a', expiresInSeconds: 900 },
      { token }
    )
    t.equal(signed.statusCode, 201, signed.text)
    t.ok(signed.json().expiresAt <= expiresAt, `${signed.json().expiresAt} is not after ${expiresAt}`)
    const { url } = signed.json()
    t.ok(Number(new URL(url).searchParams.get('X-Amz-Expires')) <= 90)
    const body = { all: true, confirm: 'logs' }
    fails(t, await post('/accounts/s3_user_3/buckets/logs/file-deletions', body, { token }), 404, 'account-not-found')
  })

  t.test('DELETE /tokens ends it and those that were made from it, and shows only those', async t => {
    const parent = await make(running, { name: 'parent' })
    const child = await make(running, { name: 'child', expiresInSeconds: 120 }, parent)
    const grandchild = await make(running, { name: 'grandchild', expiresInSeconds: 60 }, child)
    const other = await make(running, { name: 'other' })
    t.strictSame(namesIn(await get('/tokens', child)), ['grandchild', 'child'])
    for (const hidden of [parent, other]) {
      fails(t, await del(`/tokens/${hidden.tokenId}`, child), 404, 'token-not-found')
      fails(t, await del(`/tokens/${hidden.tokenId}`, { token: control.tokenOf('other') }), 404, 'token-not-found')
    }
    t.strictSame(namesIn(await get('/tokens', { token: control.tokenOf('other') })), [])
    control.clearCalls()
    t.equal((await del(`/tokens/${child.tokenId}`, parent)).statusCode, 204)
    for (const ended of [child, grandchild]) fails(t, await get(FILES, ended), 401, 'invalid-token')
    t.strictSame(control.calls(), [])
    t.equal((await get(FILES, parent)).statusCode, 200)
    t.equal((await del(`/tokens/${parent.tokenId}`, parent)).statusCode, 204, 'and itself')
    fails(t, await get(FILES, parent), 401, 'invalid-token')
    t.hasStrict(running.auditRecords().at(-1), {
      event: 'token.delete',
      outcome: 'ok',
      caller: `hkt:${parent.tokenId}`
    })
    t.notOk(namesIn(await get('/tokens')).includes('grandchild'))
  })
})

t.test('sessions and the tokens made from them', async t => {
  const running = await gateway(t)
  const { get, del, sandbox } = running
  const { control, demo } = sandbox
  const logIn = async () => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey }, { headers: { 'user-agent': 'curl/8.0' } })
    return browser
  }
  const madeBy = (browser: ReturnType<typeof createBrowser>, name = 'any') => make(browser, { name })

  t.test('GET /sessions lists those of the customer', async t => {
    const [first, second] = [await logIn(), await logIn()]
    const listed = (await second.get('/sessions')).json().items
    t.equal(listed.length, 2)
    t.match(listed, [{ isCurrent: true, userAgent: 'curl', network: '127.0.0.0/24' }, { isCurrent: false }])
    t.strictSame((await get('/sessions', { token: control.tokenOf('other') })).json().items, [])
    const token = await madeBy(second)
    for (const reply of [await get('/sessions', token), await del('/sessions', token)])
      fails(t, reply, 403, 'forbidden')
    fails(t, await del(`/sessions/${listed[0].sessionId}`, token), 403, 'forbidden')
    const other = { token: control.tokenOf('other') }
    fails(t, await del(`/sessions/${listed[1].sessionId}`, other), 404, 'session-not-found')
    t.equal((await second.del(`/sessions/${listed[1].sessionId}`)).statusCode, 204)
    fails(t, await first.get('/accounts'), 401, 'session-expired')
    fails(t, await second.del(`/sessions/${listed[1].sessionId}`), 404, 'session-not-found')
    t.equal((await second.get('/sessions')).json().items.length, 1)
  })

  t.test('every end of a session ends its tokens', async t => {
    const ends: Record<string, (browser: ReturnType<typeof createBrowser>) => Promise<unknown>> = {
      logout: browser => browser.logOut(),
      'another login': browser => browser.logIn({ apiKey: demo.apiKey }),
      'DELETE /sessions': () => del('/sessions'),
      'DELETE /sessions/{sessionId}': async browser => {
        const [{ sessionId }] = (await browser.get('/sessions')).json().items
        return del(`/sessions/${sessionId}`)
      }
    }
    for (const [name, end] of Object.entries(ends)) {
      const browser = await logIn()
      const token = await madeBy(browser, name)
      const child = await make(running, { expiresInSeconds: 60 }, token)
      t.equal((await get(FILES, child)).statusCode, 200, name)
      await end(browser)
      control.clearCalls()
      for (const ended of [token, child]) fails(t, await get(FILES, ended), 401, 'invalid-token')
      t.notOk(running.asked().includes('get_files'), name)
      t.notOk(namesIn(await get('/tokens')).includes(name), 'nor is it listed')
    }
  })

  t.test('a token ends when HOSTKEY refuses the one that it was made from, which is asked once', async t => {
    const token = await make(running, {})
    control.expireSessions()
    fails(t, await get(FILES, token), 401, 'invalid-token')
    control.clearCalls()
    fails(t, await get(FILES, token), 401, 'invalid-token')
    t.strictSame(control.calls(), [])
  })
})

t.test('a token of a service', async t => {
  const { get, post, as, ...running } = await withServices(t, {
    wide: { scopes: ['buckets:read', 'files:read', 'files:delete'], accounts: ['s3_user_1'] },
    narrow: { scopes: ['buckets:read', 'files:read'], buckets: ['s3_user_1/logs'], pathPrefix: 'a/' }
  })
  const wide = await make({ post }, { scopes: ['buckets:read'] }, as.wide)
  const narrow = await make({ post }, {}, as.narrow)
  t.equal((await get('/accounts/s3_user_1/buckets', wide)).statusCode, 200)
  fails(t, await get('/accounts/s3_user_3/buckets', wide), 404, 'account-not-found')
  fails(t, await get(FILES, narrow), 403, 'insufficient-scope')
  t.equal((await get(`${FILES}?folder=a/`, narrow)).statusCode, 200)
  t.strictSame([namesIn(await get('/tokens', as.wide)).length, namesIn(await get('/tokens')).length], [1, 2])
  for (const more of [{ accounts: ['s3_user_3'] }, { buckets: ['s3_user_3/x'] }, { scopes: ['keys:read'] }]) {
    fails(t, await post('/tokens', { ...wanted, ...more }, as.wide), 403, 'scope-exceeds-caller')
  }
  t.equal(running.logins(), 1)
})

t.test('all tokens of a customer share its limits', async t => {
  const { get, post, sandbox } = await gateway(t, { RATE_LIMIT_MAX: '40' })
  const credentials = [await make({ post }, {}), await make({ post }, {})]
  fails(t, await post('/tokens', wanted), 429, 'rate-limited', {
    detail: 'More than 2 requests in 60 s for the limit `tokens`.'
  })
  const statuses: number[] = []
  for (let n = 0; n < 42; n += 1) statuses.push((await get('/session', credentials[n % 2])).statusCode)
  t.strictSame([statuses.indexOf(429), statuses.lastIndexOf(200)], [40, 39])
  t.ok(sandbox)
})
