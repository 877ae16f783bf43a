import t from 'tap'
import { startSandbox } from '../../src/sandbox/index.ts'
import { committedDocument, type DescribedReply, type Operation, operationsOf, requestOf } from '../support/document.ts'
import { gateway } from '../support/gateway.ts'
import { isLikeExample } from '../support/like-example.ts'

// 90 s: a gateway and a sandbox for each example, while other files run too.
t.setTimeout(90_000)

const operations = operationsOf(committedDocument())

const isSuccess = ([status]: [string, DescribedReply]) => status.startsWith('2')

const successesOf = ({ responses }: Operation) => Object.entries(responses).filter(isSuccess)

/** What must have happened at HOSTKEY for a success that no request alone brings about. */
const misfortunes: Record<string, Parameters<Awaited<ReturnType<typeof startSandbox>>['control']['fault']>[0]> = {
  'createOrder 202': { kind: 'html-502', action: 'create_order' }
}

t.test('every operation has what its reader needs', async t => {
  t.ok(operations.length >= 22, `${operations.length} operations`)
  for (const operation of operations) {
    const { operationId, method, requestBody, parameters = [] } = operation
    t.ok(operation.summary && operation.description, `${operationId} says what it does`)
    t.ok(operation['x-required-scope'], `${operationId} names its scope`)
    t.ok(operation['x-rate-class'] && operation['x-rate-cost'] > 0, `${operationId} names its limit`)
    t.type(operation['x-upstream-action'], Array, `${operationId} names its actions`)
    const bare = parameters.filter(({ required, example }) => required && example === undefined)
    t.same(bare, [], `${operationId} has an example of each required parameter`)
    t.equal(requestBody !== undefined, method === 'POST', `${operationId} has a body when it posts`)
    for (const { example } of Object.values(requestBody?.content ?? {})) {
      t.type(example, 'object', `${operationId} has an example of its body`)
    }
    const successes = successesOf(operation)
    t.ok(successes.length > 0, `${operationId} can succeed`)
    for (const [status, { content = {} }] of successes) {
      t.equal(Object.keys(content).length === 0, status === '204', `${operationId} ${status} has a body`)
      for (const [type, { example }] of Object.entries(content)) {
        t.not(example, undefined, `${operationId} ${status} has an example as ${type}`)
      }
    }
  }
})

for (const operation of operations) {
  for (const [status, reply] of successesOf(operation)) {
    const name = `${operation.operationId} ${status}`
    t.test(`${name}: the sandbox answers the example request as the document says`, async t => {
      const sandbox = await startSandbox()
      t.after(() => sandbox.close())
      const { send } = await gateway(t, {}, { sandbox, isForgetful: true })
      if (misfortunes[name]) sandbox.control.fault(misfortunes[name])
      const { path, headers, body } = requestOf(operation, reply['x-example-request']?.parameters)
      const token = operation.security.length > 0 ? sandbox.demo.token : null
      const answer = await send(operation.method, path, { token, headers, ...(body !== undefined && { body }) })
      t.equal(String(answer.statusCode), status, answer.text)
      const [type = '', { example } = {}] = Object.entries(reply.content ?? {})[0] ?? []
      t.match(answer.headers['content-type'] ?? '', type)
      const varies = reply['x-varies'] ?? []
      const shown = type.endsWith('json') ? answer.json() : answer.text
      isLikeExample(t, shown, example ?? '', varies)
    })
  }
}
