import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { tlsFront } from '../../support/fakes/tls-front.ts'
import { authority } from '../../support/harness/certificates.ts'
import { bundle } from '../../support/harness/client.ts'
import { engines } from '../../support/harness/engines.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { serving } from '../../support/harness/serving.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

type Engine = (typeof engines)[keyof typeof engines]

/** Serves an empty page, and the client as one file, on an origin of its own. */
const serveFrontEnd = async (t: Test, code: string): Promise<string> => {
  const url = await serving(t, (request, response) => {
    const isCode = request.url === '/client.js'
    response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html')
    response.end(isCode ? code : '<title>page</title>')
  })
  return url.replace('127.0.0.1', 'localhost')
}

/** The address as browsers see it, with https for one that keeps no Secure cookie without. */
const addressFor = async (t: Test, engine: Engine, url: string): Promise<string> => {
  if (engine.keepsSecureCookies) return url
  const front = await tlsFront(t, url, await (await authority(t)).sign())
  return front.url.replace(/\/$/, '')
}

/** What the client does in a page of a browser. */
const worksIn = async (t: Test, engine: Engine): Promise<void> => {
  const { code } = await bundle(t)
  const port = await stablePort()
  const origin = await addressFor(t, engine, await serveFrontEnd(t, code))
  const baseUrl = await addressFor(t, engine, `http://localhost:${port}`)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const storage = (await addressFor(t, engine, sandbox.storageUrl)).replace(/\/$/, '')
  const settings = {
    PORT: String(port),
    PUBLIC_URL: baseUrl,
    ALLOWED_ORIGINS: origin,
    UPSTREAM_TIMEOUT_MS: '2000',
    STORAGE_ENDPOINTS: `NL=${storage}|nl`
  }
  await gateway(t, settings, { sandbox })
  const { control, demo } = sandbox
  control.setCredit('demo', 1_000_000)
  const page = await engine.open(t)
  await page.goto(origin)
  /** Runs the body of a function in the page, with the client as `gateway`. */
  const run = (body: string, input: unknown = {}): Promise<unknown> =>
    // As text, because the page has other types than this program.
    page.evaluate(`(async () => {
      const { createClient, isProblem } = await import('/client.js')
      const gateway = createClient({ baseUrl: '${baseUrl}' })
      const input = ${JSON.stringify(input)}
      ${body}
    })()`)

  t.test('is refused before a login', async t => {
    const result = await run(
      `return gateway.GET('/plans').catch(error => [isProblem(error, 'unauthenticated'), error.status])`
    )
    t.same(result, [true, 401])
  })

  t.test('logs in with a cookie that scripts cannot read, and lists', async t => {
    const result = await run(
      `const { customerId } = await gateway.login({ apiKey: input.apiKey })
       const { items } = await gateway.GET('/accounts/{s3uid}/buckets', { params: { path: { s3uid: 's3_user_1' } } })
       return { customerId, names: items.map(({ name }) => name), cookie: document.cookie }`,
      { apiKey: demo.apiKey }
    )
    t.same(result, { customerId: 1002, names: ['holiday-pictures', 'empty-bucket', 'logs'], cookie: '' })
  })

  t.test('reads all files by pages and as a stream', async t => {
    const result = await run(
      `const count = async items => { let n = 0; for await (const each of items) n += each ? 1 : 0; return n }
       const pages = { entries: 0, files: 0 }
       for await (const { items, folders } of gateway.filePages('s3_user_1', 'logs', { limit: 1000 })) {
         pages.entries += items.length + folders.length
       }
       for await (const { items } of gateway.filePages('s3_user_1', 'logs', { recursive: true, limit: 1000 })) {
         pages.files += items.length
       }
       return {
         pages,
         files: await count(gateway.allFiles('s3_user_1', 'logs')),
         streamed: {
           entries: await count(gateway.streamFiles('s3_user_1', 'logs')),
           files: await count(gateway.streamFiles('s3_user_1', 'logs', { recursive: true }))
         }
       }`
    )
    const { pages, files, streamed } = result as Record<'pages' | 'streamed', object> & { files: number }
    t.ok(files > 100)
    t.same(streamed, pages)
    t.match(pages, { files })
  })

  t.test('deletes a file whose path a browser would rewrite', async t => {
    const path = '../../../../s3_user_2/./a%2Fb'
    control.putFile('logs', path)
    const has = () => control.state().buckets.some(({ files }) => files.some(([name]) => name === path))
    t.ok(has())
    await run(`await gateway.deleteFile('s3_user_1', 'logs', input)`, path)
    t.notOk(has())
  })

  t.test('uploads with progress, downloads, and reads the events of a job with the cookie', async t => {
    const result = await run(
      `const [s3uid, bucket, path] = ['s3_user_1', 'empty-bucket', 'a b/ü#.png']
       const sent = []
       const file = new Blob([new Uint8Array(1_000_000)], { type: 'image/png' })
       await gateway.upload(s3uid, bucket, path, file, { onProgress: bytes => sent.push(bytes) })
       const { size, type } = await (await gateway.download(s3uid, bucket, path)).blob()
       const deletion = gateway.emptyBucket(s3uid, bucket)
       let last
       for await (const { state, counts } of deletion) last = { state, deleted: counts.deleted }
       return { sent: sent.at(-1), size, type, last, state: (await deletion).state }`
    )
    t.same(result, {
      sent: 1_000_000,
      size: 1_000_000,
      type: 'image/png',
      last: { state: 'succeeded', deleted: 1 },
      state: 'succeeded'
    })
  })

  t.test('reads the Retry-After of a problem', async t => {
    control.fault({ kind: 'throttled-retry-after', action: 'list_plans', ms: 60_000 })
    const result = await run(
      `return gateway.GET('/plans').catch(({ name, retryable, retryAfterSeconds }) => ({ name, retryable, retryAfterSeconds }))`
    )
    control.clearFaults()
    t.match(result, { retryable: true, retryAfterSeconds: Number })
    t.ok((result as { retryAfterSeconds: number }).retryAfterSeconds > 10)
  })

  t.test('orders once when the answer of HOSTKEY is lost', async t => {
    control.clearCalls()
    control.fault({ kind: 'late-execution', action: 'create_order', ms: 2500, count: 1 })
    const result = await run(`return gateway.order({ planId: 2, bucketName: 'from-a-browser' })`)
    t.match(result, { s3uid: String, planId: 2 })
    t.equal(control.counters()['create_order'], 1)
  })

  t.test('logs out', async t => {
    const result = await run(
      `await gateway.logout()
       return gateway.GET('/session').catch(error => error.name)`
    )
    t.equal(result, 'unauthenticated')
  })
}

for (const [name, engine] of Object.entries(engines)) t.test(`the client in ${name}`, t => worksIn(t, engine))
