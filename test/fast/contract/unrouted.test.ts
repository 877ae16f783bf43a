import t from 'tap'
import { committedDocument } from '../../support/assert/document.ts'
import { fails } from '../../support/assert/expect.ts'
import { isLikeExample } from '../../support/assert/like-example.ts'
import { documentedGateway } from './provocations/provocation.ts'

const document = committedDocument()

const METHODS = ['get', 'post', 'delete', 'put', 'patch']

let compared = 0
t.teardown(() =>
  process.stdout.write(`# ${compared} examples of requests that are no operation were sent and compared\n`)
)

t.test('a request that is no operation is answered as the document shows it', async t => {
  // What the description says, and 403 for an operation that is switched off.
  const { send } = await documentedGateway(t, { ACCOUNT_DELETION: 'off' })
  t.strictSame(Object.keys(document['x-unrouted']), ['403', '404', '405'])
  for (const [status, reply] of Object.entries(document['x-unrouted'])) {
    const { method, path } = reply['x-example-request']
    const [[name, { value }] = ['', { value: {} }]] = Object.entries(
      reply.content['application/problem+json']?.examples ?? {}
    )
    const answer = await send(method, path)
    t.equal(String(answer.statusCode), status)
    t.ok(document.info.description.includes(`${status} \`${name}\``), `the description mentions ${name}`)
    isLikeExample(t, answer.json(), { ...value, instance: answer.headers['x-request-id'] }, [], name)
    t.equal('allow' in answer.headers, 'Allow' in (reply.headers ?? {}), 'Allow')
    compared += 1
  }
})

t.test('the description shows an unknown method', async t => {
  const { send } = await documentedGateway(t)
  const { description } = document.info
  const [, method = '', path = '', allow] =
    /`([A-Z]+) (\S+)` answers `Allow: ([A-Z, ]+)`\./.exec(description.replaceAll('\n', ' ')) ?? []
  const answer = await send(method, path)
  t.equal(answer.statusCode, 405)
  t.equal(answer.headers['allow'], allow)
  compared += 1
})

t.test('405 with the methods of the document at each of its paths', async t => {
  const { send } = await documentedGateway(t)
  for (const [path, own] of Object.entries(document.paths)) {
    // `/orders/checks` is also an `/orders/{orderId}`.
    const general = document.paths[path.replace(/checks$/, '{orderId}')]
    const methods = { ...general, ...own }
    const known = [
      ...Object.keys(methods).map(method => method.toUpperCase()),
      'OPTIONS',
      ...('get' in methods ? ['HEAD'] : [])
    ]
    const target = path.replaceAll(/\{(\w+)\}/g, '$1')
    for (const method of METHODS.filter(method => !(method in methods)).map(method => method.toUpperCase())) {
      const answer = await send(method, target, { token: null })
      fails(t, answer, 405, 'method-not-allowed')
      t.strictSame(answer.headers['allow']?.split(', ').sort(), known.sort(), `${method} ${path}`)
    }
  }
})
