import { randomUUID } from 'node:crypto'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { openBrowser } from '../../support/harness/chromium.ts'
import { bundle } from '../../support/harness/client.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { servePage } from './pages.ts'

t.test('a page of another origin uploads with progress, and downloads under a name', async t => {
  const opened = openBrowser(t, { width: 800 })
  const bundled = bundle(t)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const origin = `http://127.0.0.1:${await servePage(t)}`
  const settings = { ALLOWED_ORIGINS: origin, STORAGE_ENDPOINTS: `NL=${sandbox.storageUrl}|nl` }
  const { url } = await gateway(t, settings, { sandbox })
  const page = await (await opened).newPage()
  await page.goto(origin)
  const { code } = await bundled
  const result = await page.evaluate(
    async ({ code, url, token }) => {
      const { createClient } = await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })))
      const client = createClient({ baseUrl: url, token })
      const [s3uid, bucket] = ['s3_user_1', 'empty-bucket']
      const sent: number[] = []
      const file = new Blob([new Uint8Array(3_000_000)], { type: 'image/png' })
      const onProgress = (bytes: number) => sent.push(bytes)
      await client.upload(s3uid, bucket, 'from a page.png', file, { onProgress })
      const reply = await client.download(s3uid, bucket, 'from a page.png', { downloadName: 'ü.png' })
      const { size, type } = await reply.blob()
      // The storage lets the page read why it refuses.
      const body = { operation: 'upload', path: 'other', contentType: 'image/png', contentLength: 3 }
      const init = { params: { path: { s3uid, bucket } }, body }
      const signed = await client.POST('/accounts/{s3uid}/buckets/{bucket}/presigned-urls', init)
      const put = async (contentType: string, body: string) => {
        const reply = await fetch(signed.url, { method: 'PUT', headers: { 'content-type': contentType }, body })
        return `${reply.status} ${/<Code>(.*)<\/Code>/.exec(await reply.text())?.[1]}`
      }
      const refused = [await put('text/html', 'abc'), await put('image/png', 'abcd')]
      const { url: link } = await client.POST('/accounts/{s3uid}/buckets/{bucket}/presigned-urls', {
        params: { path: { s3uid, bucket } },
        body: { operation: 'download', path: 'from a page.png', downloadName: 'ü.png' }
      })
      return { sent, size, type, refused, link }
    },
    { code, url, token: sandbox.demo.token }
  )
  t.equal(result.sent.at(-1), 3_000_000)
  t.strictSame([result.size, result.type], [3_000_000, 'image/png'])
  t.strictSame(result.refused, ['403 SignatureDoesNotMatch', '403 SignatureDoesNotMatch'])
  const stored = sandbox.control.state().buckets.find(({ name }) => name === 'empty-bucket')
  t.strictSame(stored?.files, [['from a page.png', 3_000_000]])
  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.evaluate(`location.href = ${JSON.stringify(result.link)}`)
  ])
  t.equal(saved.suggestedFilename(), 'ü.png')
})
