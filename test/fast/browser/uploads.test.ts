import { randomUUID } from 'node:crypto'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { openBrowser } from '../../support/harness/chromium.ts'
import { bundle } from '../../support/harness/client.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { servePage } from './pages.ts'

t.test('a page of another origin uploads with progress, and downloads', async t => {
  const context = await openBrowser(t, { width: 800 })
  const origin = `http://127.0.0.1:${await servePage(t)}`
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const settings = { ALLOWED_ORIGINS: origin, STORAGE_ENDPOINTS: `NL=${sandbox.storageUrl}|nl` }
  const { url } = await gateway(t, settings, { sandbox })
  const page = await context.newPage()
  await page.goto(origin)
  const { code } = await bundle(t)
  const result = await page.evaluate(
    async ({ code, url, token }) => {
      const { createClient } = await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })))
      const client = createClient({ baseUrl: url, token })
      const sent: number[] = []
      const file = new Blob([new Uint8Array(3_000_000)], { type: 'image/png' })
      const onProgress = (bytes: number) => sent.push(bytes)
      await client.upload('s3_user_1', 'empty-bucket', 'from a page.png', file, { onProgress })
      const reply = await client.download('s3_user_1', 'empty-bucket', 'from a page.png')
      const { size, type } = await reply.blob()
      return { sent, size, type }
    },
    { code, url, token: sandbox.demo.token }
  )
  t.equal(result.sent.at(-1), 3_000_000)
  t.strictSame([result.size, result.type], [3_000_000, 'image/png'])
  const stored = sandbox.control.state().buckets.find(({ name }) => name === 'empty-bucket')
  t.strictSame(stored?.files, [['from a page.png', 3_000_000]])
})
