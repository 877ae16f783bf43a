import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { openBrowser } from '../../support/harness/chromium.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { stablePort } from '../../support/harness/stable-port.ts'
import { type Fetched, fetchFrom, servePage } from './pages.ts'

const NAME = '__Host-Http-session'

const problemOf = ({ body }: Fetched) => body?.type?.split('/').at(-1)

/** Requests that a browser sends without a preflight: no header of their own, and no JSON. */
const simple = (own: string, apiKey: string): [string, object][] => [
  [`${own}/accounts`, { mode: 'no-cors', credentials: 'include' }],
  [`${own}/accounts/s3_user_1/keys/secret-key`, { mode: 'no-cors', credentials: 'include' }],
  [
    `${own}/accounts/s3_user_1/buckets`,
    { mode: 'no-cors', method: 'POST', credentials: 'include', body: '{"name":"planted"}' }
  ],
  [`${own}/session`, { mode: 'no-cors', method: 'POST', credentials: 'include', body: JSON.stringify({ apiKey }) }]
]

t.test('cookies and CSRF in a browser', async t => {
  /** One browser for all tests. */
  const context = await openBrowser(t, { width: 800 })

  const cookies = async () => (await context.cookies()).map(({ name, value, ...flags }) => ({ name, ...flags }))

  const pageAt = async (url: string): Promise<Page> => {
    const page = await context.newPage()
    await page.goto(url)
    return page
  }

  /** A gateway at `localhost`, and an empty page at another port, with two names: the same site and another one. */
  const stage = async (t: Test, { isAllowed }: { isAllowed: boolean }) => {
    const [port, pagePort] = [await stablePort(), await servePage(t)]
    const sameSite = `http://localhost:${pagePort}`
    const running = await gateway(t, { PORT: String(port), ...(isAllowed && { ALLOWED_ORIGINS: sameSite }) })
    const { apiKey } = running.sandbox.demo
    const json = { 'content-type': 'application/json', 'x-csrf': '1' }
    // Cookies do not depend on the port.
    await context.clearCookies()
    return {
      ...running,
      own: `http://localhost:${port}`,
      sameSite,
      crossSite: `http://127.0.0.1:${pagePort}`,
      login: { method: 'POST', credentials: 'include', headers: json, body: JSON.stringify({ apiKey }) },
      withCookie: { credentials: 'include', headers: { 'x-csrf': '1' } },
      logout: { method: 'DELETE', credentials: 'include', headers: { 'x-csrf': '1' } }
    }
  }

  t.test('a page of the gateway itself', async t => {
    const { own, login, withCookie, logout } = await stage(t, { isAllowed: false })
    const page = await pageAt(`${own}/docs`)

    t.test('logs in, lists and logs out', async t => {
      const { status, body } = await fetchFrom(page, `${own}/session`, login)
      t.equal(status, 201)
      t.equal(body?.customerId, 1002)
      const flags = { name: NAME, domain: 'localhost', path: '/', httpOnly: true, secure: true, sameSite: 'Strict' }
      t.match(await cookies(), [flags])
      t.equal((await fetchFrom(page, `${own}/accounts`, withCookie)).body?.items?.length, 1)
      t.equal((await fetchFrom(page, `${own}/session`, logout)).status, 204)
      t.same(await cookies(), [], 'the cookie is removed')
      t.equal(problemOf(await fetchFrom(page, `${own}/accounts`, withCookie)), 'unauthenticated')
    })

    t.test('401 session-expired removes the cookie of an ended session', async t => {
      await fetchFrom(page, `${own}/session`, login)
      const kept = await context.cookies()
      await fetchFrom(page, `${own}/session`, logout)
      await context.addCookies(kept)
      t.equal(problemOf(await fetchFrom(page, `${own}/accounts`, withCookie)), 'session-expired')
      t.same(await cookies(), [])
    })

    t.test('403 csrf-rejected when X-CSRF is missing', async t => {
      await fetchFrom(page, `${own}/session`, login)
      t.equal(problemOf(await fetchFrom(page, `${own}/accounts`, { credentials: 'include' })), 'csrf-rejected')
    })

    t.test('cannot read, replace or remove the cookie by script', async t => {
      t.equal((await cookies()).length, 1)
      t.equal(await page.evaluate('document.cookie'), '')
      const [before] = await context.cookies()
      const attempts = [
        `${NAME}=planted; Secure; Path=/`,
        `${NAME}=planted; Secure; Path=/; SameSite=Strict`,
        `${NAME}=; Secure; Path=/; Max-Age=0`,
        `${NAME}=planted; Path=/`
      ]
      for (const attempt of attempts) await page.evaluate(`document.cookie = ${JSON.stringify(attempt)}`)
      await page.evaluate(`cookieStore.set('${NAME}', 'planted').catch(() => undefined)`)
      await page.evaluate(`cookieStore.delete('${NAME}').catch(() => undefined)`)
      t.strictSame(await context.cookies(), [before])

      await fetchFrom(page, `${own}/session`, logout)
      for (const attempt of attempts) await page.evaluate(`document.cookie = ${JSON.stringify(attempt)}`)
      await page.evaluate(`cookieStore.set('${NAME}', 'planted').catch(() => undefined)`)
      t.same(await cookies(), [], 'nor create it')
      await page.evaluate("document.cookie = 'harmless=1'")
      t.equal((await cookies())[0]?.name, 'harmless', 'other cookies can be set')
    })
  })

  for (const [where, isSameSite] of [
    ['of the same site on another port', true],
    ['of another site', false]
  ] as const) {
    t.test(`a page ${where}`, async t => {
      const { own, sameSite, crossSite, login, withCookie, logout, sandbox, lines } = await stage(t, {
        isAllowed: false
      })
      const home = await pageAt(`${own}/docs`)
      t.equal((await fetchFrom(home, `${own}/session`, login)).status, 201)
      const page = await pageAt(isSameSite ? sameSite : crossSite)
      const before = JSON.stringify(await context.cookies(own))
      sandbox.control.clearCalls()

      t.test('gets no reply by fetch with JSON, X-CSRF and the cookie', async t => {
        t.same(await fetchFrom(page, `${own}/session`, login), {})
        t.same(await fetchFrom(page, `${own}/accounts`, withCookie), {})
        t.same(await fetchFrom(page, `${own}/session`, logout), {})
        const write = { ...login, body: '{"name":"planted"}' }
        t.same(await fetchFrom(page, `${own}/accounts/s3_user_1/buckets`, write), {})
      })

      t.test('401, 403 or 415 for requests without a preflight', async t => {
        const logged = lines.length
        for (const [url, init] of simple(own, sandbox.demo.apiKey)) await fetchFrom(page, url, init)
        const statuses = lines.slice(logged).flatMap(line => (/"status":(\d+)/.exec(line) ?? []).slice(1))
        t.ok(statuses.length >= 4, 'the gateway received them')
        t.ok(
          statuses.every(status => ['401', '403', '415'].includes(status)),
          statuses.join()
        )
      })

      t.test('403 for a form', async t => {
        const logged = lines.length
        const form = await pageAt(page.url())
        await form.evaluate(`(() => {
        const form = document.createElement('form')
        form.method = 'POST'
        form.enctype = 'text/plain'
        form.action = ${JSON.stringify(`${own}/session`)}
        const input = document.createElement('input')
        input.name = '{"apiKey":"${sandbox.demo.apiKey}","x":"'
        input.value = '"}'
        form.append(input)
        document.documentElement.append(form)
        form.submit()
      })()`)
        await form.waitForURL(`${own}/session`)
        t.match(lines.slice(logged).join(''), /"operation":"createSession".*"status":403/)
      })

      t.test('HOSTKEY was not called, and the session continues', async t => {
        t.same(sandbox.control.calls(), [])
        t.equal(JSON.stringify(await context.cookies(own)), before)
        t.equal((await cookies()).length, 1)
        t.equal((await fetchFrom(home, `${own}/accounts`, withCookie)).status, 200)
      })
    })
  }

  t.test('a page of the same site whose origin is in ALLOWED_ORIGINS', async t => {
    const { own, sameSite, crossSite, login, withCookie, logout } = await stage(t, { isAllowed: true })
    const page = await pageAt(sameSite)

    t.test('logs in, lists and logs out', async t => {
      t.equal((await fetchFrom(page, `${own}/session`, login)).status, 201)
      t.match(await cookies(), [{ name: NAME, domain: 'localhost' }])
      t.equal((await fetchFrom(page, `${own}/accounts`, withCookie)).body?.items?.length, 1)
      t.equal(await page.evaluate('document.cookie'), '')
      t.equal((await fetchFrom(page, `${own}/session`, logout)).status, 204)
      t.same(await cookies(), [])
    })

    t.test('reads the problem of a request without X-CSRF', async t => {
      await fetchFrom(page, `${own}/session`, login)
      t.equal(problemOf(await fetchFrom(page, `${own}/accounts`, { credentials: 'include' })), 'csrf-rejected')
    })

    t.test('a page of another site still gets no reply', async t => {
      t.same(await fetchFrom(await pageAt(crossSite), `${own}/accounts`, withCookie), {})
    })
  })
})
