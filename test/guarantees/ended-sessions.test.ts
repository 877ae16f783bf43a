import t from 'tap'
import { demoJob } from '../../schemas/examples/index.ts'
import { COOKIE } from '../../src/auth/cookie.ts'
import { createContract } from '../support/assert/contract.ts'
import { fails } from '../support/assert/expect.ts'
import { createBrowser, forged } from '../support/harness/browser-caller.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'

const ALLOWED = 'http://console.example:3000'

const examples: Record<string, string> = {
  s3uid: 's3_user_1',
  bucket: 'holiday-pictures',
  path: 'picture-001.jpg',
  kind: 'access-key',
  planId: '1',
  orderId: '5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11',
  jobId: demoJob.jobId,
  tokenId: 'A'.repeat(22),
  sessionId: 'A'.repeat(22)
}

/** Resources that exist; there is no order and no job. */
const statusOf = (target: string) => (/^\/(orders|jobs)\//.test(target) ? 404 : 200)

interface Operation {
  operationId: string
  security?: object[]
}

/** Every operation that needs a caller, as the gateway's own document lists them. */
const operationsOf = (paths: Record<string, Record<string, unknown> | undefined>) =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations ?? {}).flatMap(([method, declared]) => {
      // The document as a whole needs a caller; an operation that needs none has an empty list of its own.
      const { operationId, security = [{}] } = declared as Operation
      const target = path.replace(/\{(\w+)\}/g, (_, name: string) => examples[name] ?? 'x')
      return security.length > 0 ? [{ operationId, method: method.toUpperCase(), target }] : []
    })
  )

const figures = figuresOf(t, 'ended-sessions')

t.test('ended-sessions: what a cookie opens, on every operation', async t => {
  const running = await gateway(t, { ALLOWED_ORIGINS: ALLOWED })
  const { sandbox, send, url } = running
  const { control, demo } = sandbox
  const operations = operationsOf((await createContract(url)).document.paths)
  t.ok(operations.length >= 17, `${operations.length} operations`)
  t.ok(
    operations.every(({ target }) => !target.includes('/x')),
    'each path is filled in'
  )

  const own = createBrowser(running)
  const other = createBrowser(running)
  const ended = createBrowser(running)
  await own.logIn({ apiKey: demo.apiKey })
  await other.logIn({ token: control.tokenOf('other') })
  await ended.logIn({ apiKey: demo.apiKey })
  const [mine = '', theirs = '', dead = ''] = [own, other, ended].map(browser => browser.cookie())
  await ended.logOut()
  // Its token is revoked in the background, which must not count as a call of the next request.
  t.ok(await eventually(() => control.counters()['logout'] === 1))
  const mixed = `${theirs.split('.')[0]}.${mine.split('.')[1]}`

  const cookie = (value: string) => ({ cookie: `${COOKIE}=${value}` })
  const csrf = { 'x-csrf': '1' }
  const live = { ...cookie(mine), ...csrf }
  const expired = [401, 'session-expired'] as const
  const rejected = [403, 'csrf-rejected'] as const
  const cases: Record<
    string,
    [
      headers: Record<string, string>,
      readonly [number, 'session-expired' | 'csrf-rejected' | 'unauthenticated' | 'invalid-token']
    ]
  > = {
    'no cookie': [csrf, [401, 'unauthenticated']],
    'another cookie': [{ ...csrf, cookie: 'session=1; __Host-session=2' }, [401, 'unauthenticated']],
    'an empty cookie': [{ ...csrf, ...cookie('') }, expired],
    garbage: [{ ...csrf, ...cookie('%E0%A4%A') }, expired],
    'a forged secret': [{ ...csrf, ...cookie(forged(mine)) }, expired],
    'an ended session': [{ ...csrf, ...cookie(dead) }, expired],
    'another customer’s record with the own secret': [{ ...csrf, ...cookie(mixed) }, expired],
    'no X-CSRF': [cookie(mine), rejected],
    'X-CSRF that is not 1': [{ ...live, 'x-csrf': 'true' }, rejected],
    'another origin': [{ ...live, origin: 'https://evil.example' }, rejected],
    'an origin that only begins like an allowed one': [{ ...live, origin: `${ALLOWED}.evil.example` }, rejected],
    'the origin null': [{ ...live, origin: 'null' }, rejected],
    'a page of another site': [{ ...live, 'sec-fetch-site': 'cross-site' }, rejected],
    'an allowed page of another site': [{ ...live, origin: ALLOWED, 'sec-fetch-site': 'cross-site' }, rejected],
    'a page of the same site without an origin': [{ ...live, 'sec-fetch-site': 'same-site' }, rejected],
    'a page of the same site that is not allowed': [
      { ...live, origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' },
      rejected
    ],
    'a link or a bookmark': [{ ...live, 'sec-fetch-site': 'none' }, rejected],
    'a dead service credential beside a live cookie': [
      { ...live, authorization: `Bearer hks_none_${'x'.repeat(43)}` },
      [401, 'invalid-token']
    ]
  }

  const refused = { right: 0, asked: 0, calls: 0 }
  for (const [name, [headers, [status, problem]]] of Object.entries(cases)) {
    t.test(`${status} ${problem} with ${name}`, async t => {
      control.clearCalls()
      for (const { method, target } of operations) {
        const reply = await send(method, target, { token: null, headers })
        refused.asked += 1
        if (reply.statusCode === status) refused.right += 1
        fails(t, reply, status, problem)
        const isCleared = /^__Host-Http-session=;.*Max-Age=0/.test(reply.headers['set-cookie'] ?? '')
        t.equal(isCleared, problem === 'session-expired', `${method} ${target}: the cookie`)
      }
      refused.calls += control.calls().length
      t.same(control.calls(), [], 'HOSTKEY is not asked')
    })
  }
  t.test('the whole matrix', async t => {
    t.equal(refused.asked, Object.keys(cases).length * operations.length)
    figures(
      `${refused.right} of ${refused.asked} refused as they should be (${Object.keys(cases).length} cookies and origins by ` +
        `${operations.length} operations), ${refused.calls} calls upstream`
    )
  })

  t.test('Authorization wins over a cookie: neither an ended session nor a missing X-CSRF matters', async t => {
    for (const { method, target } of operations.filter(({ method }) => method === 'GET')) {
      const reply = await send(method, target, { headers: cookie(dead) })
      t.equal(reply.statusCode, statusOf(target), `${target}: ${reply.text}`)
      t.equal(reply.headers['set-cookie'], undefined)
    }
    const reply = await send('GET', '/session', { token: control.tokenOf('other'), headers: live })
    t.equal(reply.json().customerId, 1005, 'the token’s customer, not the cookie’s')
  })

  t.test('a live cookie from an own page or an allowed one', async t => {
    const origins = [
      { 'sec-fetch-site': 'same-origin' },
      { origin: ALLOWED, 'sec-fetch-site': 'same-site' },
      { origin: ALLOWED },
      // The credential of a proxy in front is none of ours.
      { authorization: 'Basic dXNlcjpwYXNz' },
      { authorization: '' },
      {}
    ]
    for (const { method, target } of operations.filter(({ method }) => method === 'GET')) {
      for (const headers of origins) {
        const reply = await send(method, target, { token: null, headers: { ...live, ...headers } })
        t.equal(reply.statusCode, statusOf(target), `${target} ${JSON.stringify(headers)}`)
      }
    }
  })

  t.test('415 unsupported-media-type when a form is posted with a live cookie', async t => {
    control.clearCalls()
    for (const { target } of operations.filter(({ method }) => method === 'POST')) {
      for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
        const headers = { ...live, 'content-type': type, 'idempotency-key': 'k'.repeat(16) }
        fails(
          t,
          await send('POST', target, { token: null, headers, body: 'name=photos' }),
          415,
          'unsupported-media-type'
        )
      }
    }
    t.same(control.calls(), [])
  })

  t.test('a session reaches its own customer’s accounts only', async t => {
    const reply = await other.get('/accounts/s3_user_1/buckets')
    fails(t, reply, 404, 'account-not-found')
  })
})
