import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { authorise, execute, load } from '../../fast/browser/swagger-ui.ts'
import { committedDocument, type Operation, operationsOf } from '../../support/assert/document.ts'
import { openBrowser, watchedPage } from '../../support/harness/chromium.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

/** Height of an open operation at 1280, in pixels: three screens. */
const MAX_HEIGHT = 2500

/** Other operations need what these delete: they run last, in this order. */
const LAST = ['deleteAccount', 'deleteSession', 'deleteSessions']

const rankOf = ({ operationId }: Operation) => LAST.indexOf(operationId)

/** The status of the example: of several successes the one that needs no other parameters. */
const expectedOf = ({ responses }: Operation): number => {
  const successes = Object.entries(responses).filter(([status]) => /^2/.test(status))
  const [status] = successes.find(([, reply]) => !reply['x-example-request']) ?? successes[0] ?? []
  return Number(status)
}

const textsIn = (values: object = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))

/** Closes an operation: the page becomes slower with each open one. */
const close = (page: Page, { tags, operationId }: Operation) =>
  page.locator(`#operations-${tags[0]}-${operationId} .opblock-summary-control`).click()

/** Executes operations in `/docs` on a new sandbox, with the examples that the page fills in. */
export const executesAsFilledIn = async (t: Test, isIncluded: (operation: Operation) => boolean): Promise<void> => {
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
    .filter(isIncluded)
    .sort((a, b) => rankOf(a) - rankOf(b))
  t.ok(operations.length >= 10, `${operations.length} operations`)
  for (const operation of operations) {
    const block = page.locator(`#operations-${operation.tags[0]}-${operation.operationId}`)
    await block.locator('.opblock-summary-control').click()
    await block.locator('.responses-table .response').last().waitFor()
    const { height = 0 } = (await block.boundingBox()) ?? {}
    t.ok(height > 300 && height <= MAX_HEIGHT, `${operation.operationId} is ${height} pixels high`)
    const { status, text } = await execute(page, `${operation.tags[0]}-${operation.operationId}`, {
      parameters: textsIn(operation['x-example-request']?.parameters),
      ...(operation['x-example-request']?.body && { body: operation['x-example-request'].body })
    })
    t.equal(status, expectedOf(operation), `${operation.operationId}: ${text.slice(0, 200)}`)
    await close(page, operation)
  }
  t.same(misdeeds, { external: [], violations: [], complaints: [] })
}
