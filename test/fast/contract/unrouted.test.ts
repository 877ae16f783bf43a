import t from 'tap'
import { unrouted } from '../../../schemas/examples/index.ts'
import { Problem } from '../../../src/core/problem.ts'
import { documented } from '../../../src/openapi/problems.ts'
import { committedDocument, problemsIn } from '../../support/assert/document.ts'
import { fails } from '../../support/assert/expect.ts'
import { isLikeExample } from '../../support/assert/like-example.ts'
import { documentedGateway, PUBLIC_URL } from './provocations/provocation.ts'

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
    const [name = 'internal'] = problemsIn(reply)
    const answer = await send(method, path)
    t.equal(String(answer.statusCode), status)
    t.ok(document.info.description.includes(`${status} \`${name}\``), `the description mentions ${name}`)
    const { detail } = unrouted[name as keyof typeof unrouted]
    const { value } = documented(new Problem(name, detail), method, PUBLIC_URL.slice(0, -1))
    // As JSON: without the members that it leaves out.
    const shown = { ...JSON.parse(JSON.stringify(value)), instance: answer.headers['x-request-id'] }
    isLikeExample(t, answer.json(), shown, [], name)
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
