import t from 'tap'
import { type Document as DescribedDocument, exampleProblems, operationsOf } from '../../support/assert/document.ts'
import { answersAsDocumented, ownRepliesOf } from '../../support/assert/documented-reply.ts'
import { gateway } from '../../support/harness/gateway.ts'

interface Document extends DescribedDocument {
  servers: { url: string }[]
}

/** A path of the document with a value for each parameter. */
const filled = (path: string) =>
  path
    .replace('{name}', 'internal')
    .replace('{kind}', 'access-key')
    .replace('{planId}', '1')
    .replace(/\{[^}]+\}/g, 'x')

/** The status of each operation at its address in the document, without a credential. */
const statuses = async (origin: string, { servers, paths }: Document) => {
  const found: [operation: string, status: number][] = []
  const server = (servers[0]?.url ?? '').replace(/\/$/, '')
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      const reply = await fetch(`${origin}${server}${filled(path)}`, { method: method.toUpperCase() })
      await reply.arrayBuffer()
      found.push([`${method} ${path}`, reply.status])
    }
  }
  return found
}

const documentAt = async (url: string) => (await (await fetch(`${url}/openapi.json`)).json()) as Document

for (const basePath of ['', '/storage', '/storage/accounts']) {
  t.test(`mounted at "${basePath}"`, async t => {
    const { url, get, post } = await gateway(t, { BASE_PATH: basePath })
    const { origin } = new URL(url)
    t.equal(url, `${origin}${basePath}`)

    t.test('the document has the address of every operation', async t => {
      const document = await documentAt(url)
      t.same(
        document.servers.map(({ url }) => url),
        [basePath || '/']
      )
      t.ok('/accounts/{s3uid}/buckets/{bucket}/files/{path}' in document.paths)
      const found = await statuses(origin, document)
      t.ok(found.length >= 19)
      // Open, or refused without a credential; none is 404.
      const unknown = found.filter(([, status]) => ![200, 204, 400, 401, 403, 415].includes(status))
      t.same(unknown, [])
    })

    t.test('Location, links.self, Link and the problem type contain the mount point', async t => {
      const created = await post('/accounts/s3_user_1/buckets', { name: 'photos' })
      t.equal(created.headers['location'], `${basePath}/accounts/s3_user_1/buckets/photos`)
      const page = await get('/accounts/s3_user_1/buckets/logs/files?limit=1')
      t.equal(page.statusCode, 200, page.text)
      const link = /^<([^>]+)>; rel="next"$/.exec(page.headers['link'] ?? '')?.[1] ?? ''
      t.ok(link.startsWith(`${basePath}/accounts/s3_user_1/buckets/logs/files?`), link)
      const next = await get(link.slice(basePath.length))
      t.equal(next.statusCode, 200)
      const files = await get('/accounts/s3_user_1/buckets/holiday-pictures/files?search=.')
      const [first] = files.json().items
      t.ok(first.links.self.startsWith(`${basePath}/accounts/s3_user_1/buckets/holiday-pictures/files?path=`))
      const missing = await get('/accounts/unknown')
      t.equal(missing.json().type.replace(/^http:\/\/[^/]+/, ''), `${basePath}/problems/account-not-found`)
      const problemPage = await fetch(`${origin}${new URL(missing.json().type).pathname}`)
      t.equal(problemPage.status, 200)
      t.match(problemPage.headers.get('content-type'), 'text/html')
    })

    t.test('the pages are below it', async t => {
      for (const path of [
        '/docs',
        '/docs/',
        '/docs/json',
        '/docs/static/swagger-ui.css',
        '/openapi.json',
        '/openapi.yaml'
      ]) {
        const reply = await fetch(`${url}${path}`)
        await reply.arrayBuffer()
        t.equal(reply.status, 200, path)
      }
    })

    t.test('404 as a problem outside of it', async t => {
      for (const path of ['/nowhere', ...(basePath === '' ? [] : ['/plans', '/livez', '/docs', '/openapi.json'])]) {
        const reply = await fetch(`${origin}${path}`)
        t.equal(reply.status, 404, path)
        t.equal(reply.headers.get('content-type')?.split(';')[0], 'application/problem+json', path)
        t.match(await reply.json(), { type: new RegExp(`${basePath}/problems/route-not-found$`), status: 404 }, path)
      }
      if (basePath !== '') t.equal((await fetch(`${url}${basePath}/plans`)).status, 404)
    })
  })
}

t.test('behind a proxy that removes a part of the path', async t => {
  const { url, get, post } = await gateway(t, { PUBLIC_URL: 'https://api.example.com/s3' })

  t.test('addresses are those of PUBLIC_URL', async t => {
    const created = await post('/accounts/s3_user_1/buckets', { name: 'photos' })
    t.equal(created.headers['location'], '/s3/accounts/s3_user_1/buckets/photos')
    const files = await get('/accounts/s3_user_1/buckets/holiday-pictures/files?limit=1')
    t.match(files.headers['link'], /^<\/s3\/accounts\//)
    t.match(files.json().items[0]?.links.self ?? '/s3/', /^\/s3\//)
    t.equal((await get('/accounts/unknown')).json().type, 'https://api.example.com/s3/problems/account-not-found')
  })

  t.test('the server of the document is that of PUBLIC_URL', async t => {
    const { servers, paths } = await documentAt(url)
    t.same(
      servers.map(({ url }) => url),
      ['/s3']
    )
    t.ok('/accounts' in paths)
  })
})

t.test('behind a proxy, with a mount point of its own', async t => {
  const { url } = await gateway(t, { BASE_PATH: '/storage', PUBLIC_URL: 'https://api.example.com/s3/storage/' })
  const { servers, paths } = await documentAt(url)
  t.same(
    servers.map(({ url }) => url),
    ['/s3/storage']
  )
  t.ok('/accounts' in paths)
})

for (const [env, mount] of [
  [{}, ''],
  [{ BASE_PATH: '/storage' }, '/storage'],
  [{ BASE_PATH: '/storage', PUBLIC_URL: 'https://api.example.com/s3/storage/' }, '/s3/storage']
] as const) {
  t.test(`the document of "${mount}" has the addresses of its replies`, async t => {
    const document = await documentAt((await gateway(t, env)).url)
    const other = exampleProblems(document).get('probable-duplicate-order')?.value['links']
    t.match(other, { order: new RegExp(`^${mount}/orders/`) }, 'a problem names the other order')
    const addressed = operationsOf(document).flatMap(operation =>
      ownRepliesOf(operation)
        .filter(([, { headers = {} }]) => 'Location' in headers || 'Link' in headers)
        .map(reply => ({ operation, reply }))
    )
    t.ok(addressed.length >= 5, `${addressed.length} replies with addresses`)
    t.ok(JSON.stringify(addressed).includes(`"self":"${mount}/accounts/`), 'one of a file')
    for (const { operation, reply } of addressed) {
      const running = await gateway(t, env, { isEphemeral: true })
      if (reply[0] === '202') running.sandbox.control.fault({ kind: 'html-502', action: 'create_order' })
      await answersAsDocumented(t, running, operation, reply, mount)
    }
  })
}
