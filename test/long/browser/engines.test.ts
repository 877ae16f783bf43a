import t, { type Test } from 'tap'
import { serveExample } from '../../fast/examples/examples.ts'
import { engines, FIND } from '../../support/harness/engines.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

/** A gateway at `http://localhost`, and a page of the browser. The other tests of this folder use Chromium. */
const stage = async (t: Test, name: keyof typeof engines) => {
  const port = String(await stablePort())
  const own = `http://localhost:${port}`
  const example = await serveExample(t, 'examples/browser/serve.ts', { PAGE_PORT: '0', GATEWAY: own })
  const env = { PORT: port, PUBLIC_URL: own, ALLOWED_ORIGINS: example }
  const { sandbox } = await gateway(t, env, { isEphemeral: true })
  const page = await engines[name].open(t)
  return {
    own,
    example,
    page,
    /** Runs the body of a function in the page, with `find` and the demo credentials. */
    run: (body: string) =>
      page.evaluate(`(async () => { ${FIND}\nconst demo = ${JSON.stringify(sandbox.demo)}\n${body} })()`)
  }
}

for (const name of ['Firefox', 'WebKit'] as const) {
  t.test(`in ${name}`, async t => {
    const { own, example, page, run } = await stage(t, name)

    t.test('/docs logs in with the demo key, and sends an operation', async t => {
      await page.goto(`${own}/docs`)
      const status = await run(`
        ;(await find('.sandbox button', 'Log in with the demo key')).click()
        await find('.sandbox [role=status]', 'Logged in')
        ;(await find('#operations-Accounts-listAccounts .opblock-summary-control')).click()
        ;(await find('#operations-Accounts-listAccounts button.execute')).click()
        const shown = await find('#operations-Accounts-listAccounts .live-responses-table .response')
        return shown.innerText`)
      t.match(status, /^200[\s\S]*"s3_user_1"/)
    })

    t.test('a session over http at localhost lasts as the how-to says', async t => {
      const statuses = await run(`
        const headers = { 'x-csrf': '1', 'content-type': 'application/json' }
        const body = JSON.stringify({ apiKey: demo.apiKey })
        const login = await fetch('/session', { method: 'POST', headers, body })
        const session = await fetch('/session', { headers: { 'x-csrf': '1' } })
        return [login.status, session.status]`)
      t.same(statuses, [201, engines[name].keepsSecureCookies ? 200 : 401])
    })

    if (!engines[name].keepsSecureCookies) return
    t.test('examples/browser logs in, and lists buckets and files', async t => {
      await page.goto(example)
      const rows = await run(`
        ;(await find('#api-key')).value = demo.apiKey
        document.querySelector('#api-key').form.requestSubmit()
        ;(await find('#buckets a', 'holiday-pictures')).click()
        await find('#load-more:not([hidden])')
        return document.querySelectorAll('#rows > li').length`)
      t.equal(rows, 100)
    })
  })
}
