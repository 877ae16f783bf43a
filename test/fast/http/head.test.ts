import t from 'tap'
import { committedDocument, operationsOf, requestOf } from '../../support/assert/document.ts'
import { exchange } from '../../support/harness/exchange.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** Headers whose value differs from request to request. */
const VARYING = ['date', 'x-request-id', 'server-timing', 'ratelimit', 'ratelimit-policy']

t.test('HEAD has the status and the headers of GET, and no body', async t => {
  const { url, managementUrl, send, sandbox } = await gateway(t)
  const head = async (at: string, path: string, headers: Record<string, string>) => {
    const lines = Object.entries({ host: 'x', connection: 'close', ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`
    )
    const { text } = await exchange(at, [`HEAD ${path} HTTP/1.1\r\n${lines.join('')}\r\n`])
    const [top = '', body] = text.split('\r\n\r\n')
    const [status = '', ...fields] = top.split('\r\n')
    const received = fields.map(field => [field.split(': ')[0]?.toLowerCase(), field.slice(field.indexOf(': ') + 2)])
    return { status: Number(status.split(' ')[1]), body, headers: Object.fromEntries(received) }
  }
  const steady = (headers: object) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !VARYING.includes(name)))
  const authorization = `Bearer ${sandbox.demo.token}`

  const operations = operationsOf(committedDocument()).filter(({ method }) => method === 'GET')
  const paths = [...operations.map(operation => requestOf(operation).path), '/docs/', '/openapi.json', '/openapi.yaml']
  for (const path of [...paths.filter(path => !/\/keys\/|\/file-stream/.test(path)), '/nowhere', '/accounts?x=1']) {
    for (const own of [{}, { accept: '*/*', 'accept-encoding': 'gzip' }]) {
      const headers = { authorization, connection: 'close', ...own }
      const got = await send('GET', path, { headers })
      const { status, body, headers: received } = await head(url, path, headers)
      t.strictSame([status, body], [got.statusCode, ''], path)
      t.strictSame(steady(received), steady(got.headers), path)
      const { etag } = received
      if (etag === undefined) continue
      t.equal((await head(url, path, { ...headers, 'if-none-match': etag })).status, 304, path)
    }
  }

  t.test('on the management port too', async t => {
    for (const path of ['/livez', '/readyz', '/metrics']) {
      const { status, body } = await head(managementUrl, path, {})
      t.strictSame([status, body], [200, ''], path)
    }
  })

  t.test('a list in lines reads one page', async t => {
    const { control } = sandbox
    control.numberFiles('empty-bucket', 5000)
    control.clearCalls()
    const path = '/accounts/s3_user_1/buckets/empty-bucket/file-stream'
    const { status, headers } = await head(url, path, { authorization })
    t.strictSame([status, headers['content-type']], [200, 'application/x-ndjson'])
    t.notOk('content-length' in headers)
    t.equal(control.calls().length, 1)
  })
})
