import { request } from 'node:http'
import type { Page } from 'playwright-core'
import t from 'tap'
import { openBrowser, watchedPage } from '../../support/harness/chromium.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { serving } from '../../support/harness/serving.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

const NOTHING = { external: [], violations: [], complaints: [] }

/** Waits until the page shows its operations. */
const load = async (page: Page, url: string): Promise<void> => {
  await page.goto(url)
  await page.waitForSelector('.opblock')
}

const authorise = async (page: Page, token: string): Promise<void> => {
  await page.click('.auth-wrapper .authorize')
  await page.fill('#auth-bearer-value', token)
  await page.click('.modal-ux button.authorize')
  await page.click('.modal-ux button.btn-done')
}

/** Opens an operation, executes it with this body or with the example of the page, and reads what the page shows. */
const tryOut = async (page: Page, operation: string, body?: object) => {
  const block = page.locator(`#operations-${operation}`)
  await block.locator('.opblock-summary-control').click()
  if (body) await block.locator('textarea.body-param__text').fill(JSON.stringify(body))
  await block.locator('button.execute').click()
  const shown = block.locator('.live-responses-table tbody .response')
  const status = (await shown.locator('.response-col_status').innerText()).split('\n')[0]
  return {
    status,
    body: await shown.locator('.highlight-code').first().innerText(),
    target: await block.locator('.request-url pre').innerText(),
    command: await block.locator('.curl-command pre').innerText()
  }
}

/** Does the page fit into the width of the window? */
const fits = async (page: Page, width: number): Promise<boolean> =>
  Number(await page.evaluate('document.documentElement.scrollWidth')) <= width

/** Pixels of a phone in portrait, without the bars of its browser. */
const FIRST_SCREEN = 660

for (const width of [1280, 390]) {
  t.test(`/docs at ${width} pixels`, async t => {
    const { url, sandbox } = await gateway(t, {}, { isEphemeral: true })
    const { page, misdeeds } = await watchedPage(await openBrowser(t, { width }), url)
    await load(page, `${url}/docs`)

    t.test('shows every operation, and nothing is wider than the window', async t => {
      t.equal(await page.title(), 'HOSTKEY S3 gateway')
      const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object }
      const operations = Object.values(document.paths).flatMap(path => Object.keys(path))
      t.equal(await page.locator('.opblock').count(), operations.length)
      t.ok(await fits(page, width))
      t.notOk(await page.locator('.topbar').isVisible())
    })

    t.test('the first screen has what this is, Authorize, and the first operation', async t => {
      for (const part of ['.info p', '.auth-wrapper .authorize', '.opblock']) {
        const { y = 0, height = 0 } = (await page.locator(part).first().boundingBox()) ?? {}
        t.ok(y > 0 && y + height < FIRST_SCREEN, `${part} ends at ${y + height}`)
      }
      const rest = page.locator('.info details > p').first()
      t.notOk(await rest.isVisible())
      await page.click('.info summary')
      t.ok(await rest.isVisible())
      await page.click('.info summary')
    })

    t.test('401 in try-it-out before a credential is given', async t => {
      const { status, body } = await tryOut(page, 'Plans-listPlans')
      t.equal(status, '401')
      t.match(body, '/problems/unauthenticated')
      // Chromium logs every status of 400 or more.
      t.match(misdeeds, { external: [], violations: [], complaints: [/401/] })
      misdeeds.complaints.length = 0
    })

    t.test('200 in try-it-out after a login with the demo key, also after a reset', async t => {
      const said = page.locator('.sandbox [role=status]')
      await page.getByRole('button', { name: 'Log in with the demo key' }).click()
      await said.filter({ hasText: 'Logged in' }).waitFor()
      sandbox.control.putFile('empty-bucket', 'a-file')
      sandbox.control.expireSessions()
      await page.getByRole('button', { name: 'Reset the sandbox' }).click()
      await said.filter({ hasText: 'as at its start' }).waitFor()
      t.same(sandbox.control.state().buckets.find(({ name }) => name === 'empty-bucket')?.files, [])
      const { status, body, target, command } = await tryOut(page, 'Accounts-listAccounts')
      t.equal(status, '200')
      t.match(body, '"s3_user_1"')
      t.equal(target, `${url}/accounts`)
      t.notMatch(command, 'csrf', 'a request by token needs no X-CSRF')
    })

    t.test('shows a reply as wide as the page, to its last line', async t => {
      const shown = '#operations-Accounts-listAccounts .live-responses-table .highlight-code'
      t.ok(((await page.locator(shown).boundingBox())?.width ?? 0) >= 0.75 * width)
      const [textEnds, buttonBegins] = (await page.evaluate(`(reply => {
        const text = reply.querySelector('pre')
        text.scrollTop = text.scrollHeight
        return [text.querySelector('code').getBoundingClientRect().bottom,
          reply.querySelector('.download-contents').getBoundingClientRect().top]
      })(document.querySelector('${shown}'))`)) as [number, number]
      t.ok(textEnds <= buttonBegins, `${textEnds} ${buttonBegins}`)
      t.ok(await fits(page, width))
    })

    t.test('shows the headers of a reply after a press on its status, and no links', async t => {
      const operation = page.locator('#operations-Accounts-listAccounts')
      t.notMatch(await operation.innerText(), /^Retry-After/m)
      const statuses = operation.locator('.responses-table:not(.live-responses-table) .response-col_status')
      for (const status of await statuses.all()) if (await status.isVisible()) await status.press('Enter')
      const text = await operation.innerText()
      t.match(text, /^Retry-After/m)
      t.notMatch(text, 'No links')
    })

    t.test('calls no other host, violates no policy and logs no error', async t => {
      t.same(misdeeds, NOTHING)
    })

    t.test('a violation of the policy is detected', async t => {
      await page.evaluate(`new Promise(resolve => {
        const image = new Image()
        image.onerror = resolve
        image.src = 'https://elsewhere.example/pixel.png'
      })`)
      t.match(misdeeds.violations, [/^img-src https:\/\/elsewhere\.example/])
      t.ok(misdeeds.complaints.length > 0)
    })
  })
}

t.test('/docs below a mount point', async t => {
  const { url, sandbox } = await gateway(t, { BASE_PATH: '/storage' })
  const { page, misdeeds } = await watchedPage(await openBrowser(t, { width: 1280 }), new URL(url).origin)
  for (const address of [`${url}/docs`, `${url}/docs/`]) {
    await load(page, address)
    await authorise(page, sandbox.demo.token)
    const { status, target } = await tryOut(page, 'Accounts-listAccounts')
    t.equal(status, '200')
    t.equal(target, `${url}/accounts`)
  }
  t.same(misdeeds, NOTHING)
})

t.test('/docs behind a proxy that removes a part of the path', async t => {
  const { url, sandbox } = await gateway(t, { PUBLIC_URL: 'https://api.example.com/s3' })
  const origin = await serving(t, (incoming, answer) => {
    const { method, headers } = incoming
    const target = `${url}${incoming.url?.replace(/^\/s3/, '')}`
    incoming.pipe(
      request(target, { method, headers }, reply => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers)
        reply.pipe(answer)
      })
    )
  })
  const { page, misdeeds } = await watchedPage(await openBrowser(t, { width: 1280 }), origin)
  await load(page, `${origin}/s3/docs`)
  await authorise(page, sandbox.demo.token)
  const { status, target } = await tryOut(page, 'Accounts-listAccounts')
  t.equal(status, '200')
  t.equal(target, `${origin}/s3/accounts`)
  t.same(misdeeds, NOTHING)
})

t.test('/docs with a session: the page sends the cookie and X-CSRF itself', async t => {
  const port = String(await stablePort())
  const { url, sandbox } = await gateway(t, { PORT: port, PUBLIC_URL: `http://localhost:${port}` })
  const origin = url.replace('127.0.0.1', 'localhost')
  const { page, misdeeds } = await watchedPage(await openBrowser(t, { width: 1280 }), origin)
  await load(page, `${origin}/docs`)
  const login = await tryOut(page, 'Session-createSession', { apiKey: sandbox.demo.apiKey })
  t.equal(login.status, '201', login.body)
  t.notMatch(login.body, sandbox.demo.token)
  t.equal((await tryOut(page, 'Accounts-listAccounts')).status, '200')
  t.equal(await page.evaluate('document.cookie'), '', 'page script cannot read it')
  t.same(misdeeds, NOTHING)
})
