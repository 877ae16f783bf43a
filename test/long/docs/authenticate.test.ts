import t from 'tap'
import { executePage, type Runner } from '../../fast/docs/pages/page.ts'
import { openBrowser } from '../../support/harness/chromium.ts'

t.test('docs/how-to/authenticate.md', async t => {
  /** Runs a script in a page of the gateway. */
  const js: Runner = async ({ code }, stage) => {
    const tab = await (await openBrowser(t, { width: 800 })).newPage()
    await tab.goto(`${stage.url}/docs`)
    const [email, password] = ['EMAIL', 'PASSWORD'].map(name => JSON.stringify(stage.lastPrinted(name)))
    const status = await tab.evaluate(`(async (email, password) => {
      ${code}
      return buckets.status
    })(${email}, ${password})`)
    t.equal(status, 200)
  }
  await executePage(t, 'docs/how-to/authenticate.md', { runners: { js } })
})
