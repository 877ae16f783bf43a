import type { Page } from 'playwright-core'

/** Input for an operation: its body, and its parameters by name. */
interface Input {
  body?: object
  parameters?: Record<string, string>
}

/** Opens the page and waits for its operations. */
export const load = async (page: Page, url: string): Promise<void> => {
  await page.goto(url)
  await page.waitForSelector('.opblock')
}

/** Enters a token with the button Authorize. */
export const authorise = async (page: Page, token: string): Promise<void> => {
  await page.click('.auth-wrapper .authorize')
  await page.fill('#auth-bearer-value', token)
  await page.click('.modal-ux button.authorize')
  await page.click('.modal-ux button.btn-done')
}

/** Opens an operation if it is closed, executes it, and reads the reply that the page shows. */
export const execute = async (page: Page, operation: string, { body, parameters = {} }: Input = {}) => {
  const block = page.locator(`#operations-${operation}`)
  const button = block.locator('button.execute')
  if (!(await button.isVisible())) await block.locator('.opblock-summary-control').click()
  for (const [name, value] of Object.entries(parameters)) {
    await block.locator(`tr[data-param-name="${name}"] input`).fill(value)
  }
  if (body) await block.locator('textarea.body-param__text').fill(JSON.stringify(body))
  const answered = page.waitForResponse(reply => !reply.url().includes('/docs'))
  await button.click()
  const reply = await answered
  const shown = block.locator('.live-responses-table tbody .response')
  await shown.filter({ hasText: String(reply.status()) }).waitFor()
  return { status: reply.status(), text: await shown.innerText(), headers: await reply.request().allHeaders() }
}
