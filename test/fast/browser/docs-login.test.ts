import t from 'tap'
import { openBrowser, watchedPage } from '../../support/harness/chromium.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { stablePort } from '../../support/harness/stable-port.ts'
import { authorise, execute, load } from './swagger-ui.ts'

t.test('/docs: a login on the page', async t => {
  const port = await stablePort()
  const { sandbox } = await gateway(t, { PORT: String(port), PUBLIC_URL: `http://localhost:${port}` })
  const origin = `http://localhost:${port}`
  const context = await openBrowser(t, { width: 1280 })
  const { page, misdeeds } = await watchedPage(context, origin)
  await load(page, `${origin}/docs`)
  const account = { parameters: { s3uid: 's3_user_1' } }

  t.test('201 POST /session', async t => {
    const { status, text } = await execute(page, 'Session-createSession', { body: { apiKey: sandbox.demo.apiKey } })
    t.equal(status, 201, text)
    t.match(text, '"customerId": 1002')
    t.match(await context.cookies(), [
      { name: '__Host-Http-session', httpOnly: true, secure: true, sameSite: 'Strict' }
    ])
    t.equal(await page.evaluate('document.cookie'), '')
  })

  t.test('200 and 201 by cookie, with the X-CSRF of the page', async t => {
    const cases = [
      [200, await execute(page, 'Session-getSession')],
      [200, await execute(page, 'Accounts-listAccounts')],
      [201, await execute(page, 'Buckets-createBucket', { ...account, body: { name: 'from-the-page' } })]
    ] as const
    for (const [expected, { status, text, headers }] of cases) {
      t.equal(status, expected, text)
      t.equal(headers['x-csrf'], '1')
      t.match(headers['cookie'], /^__Host-Http-session=/)
      t.equal(headers['authorization'], undefined)
    }
  })

  t.test('401 after DELETE /session, and 200 with a token by Authorize', async t => {
    t.equal((await execute(page, 'Session-deleteSession')).status, 204)
    t.same(await context.cookies(), [])
    t.same(misdeeds, { external: [], violations: [], complaints: [] }, 'no error so far')
    t.equal((await execute(page, 'Accounts-listAccounts')).status, 401)
    await authorise(page, sandbox.demo.token)
    const { status, headers } = await execute(page, 'Accounts-listAccounts')
    t.equal(status, 200)
    t.equal(headers['authorization'], `Bearer ${sandbox.demo.token}`)
  })

  t.test('no violation of its policy, and no request to another origin', async t => {
    t.same(misdeeds.external, [])
    t.same(misdeeds.violations, [])
  })
})
