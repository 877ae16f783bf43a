import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { authorise, execute, load } from '../../fast/browser/swagger-ui.ts'
import { committedDocument, type Operation, operationsOf } from '../../support/assert/document.ts'
import { openBrowser, watchedPage } from '../../support/harness/chromium.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

/** These take away what others need: they come last, in this order. */
const LAST = ['deleteAccount', 'deleteSession', 'deleteSessions']

const rankOf = ({ operationId }: Operation) => LAST.indexOf(operationId)

/** The status of the example as it stands: of several successes the one that needs no other parameters. */
const expectedOf = ({ responses }: Operation) =>
  Number(Object.entries(responses).find(([status, reply]) => /^2/.test(status) && !reply['x-example-request'])?.[0])

/** The page grows slower with every operation that stays open. */
const close = (page: Page, { tags, operationId }: Operation) =>
  page.locator(`#operations-${tags[0]}-${operationId} .opblock-summary-control`).click()

/** Executes these operations in `/docs` on a fresh sandbox, as the page has filled them in. */
export const executesAsFilledIn = async (t: Test, isWanted: (operation: Operation) => boolean): Promise<void> => {
  const port = await stablePort()
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  const env = { PORT: String(port), PUBLIC_URL: `http://localhost:${port}` }
  await gateway(t, env, { sandbox, isEphemeral: true })
  const origin = `http://localhost:${port}`
  const { page, misdeeds } = await watchedPage(await openBrowser(t, { width: 1280 }), origin)
  await load(page, `${origin}/docs`)
  await authorise(page, sandbox.demo.token)
  const operations = operationsOf(committedDocument())
    .filter(isWanted)
    .sort((a, b) => rankOf(a) - rankOf(b))
  t.ok(operations.length >= 10, `${operations.length} operations`)
  for (const operation of operations) {
    const { status, text } = await execute(page, `${operation.tags[0]}-${operation.operationId}`)
    t.equal(status, expectedOf(operation), `${operation.operationId}: ${text.slice(0, 200)}`)
    await close(page, operation)
  }
  t.same(misdeeds, { external: [], violations: [], complaints: [] })
}
