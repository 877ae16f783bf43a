import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { createContract } from '../../support/assert/contract.ts'
import { committedDocument, operationsOf, requestOf } from '../../support/assert/document.ts'
import { answersAsDocumented, headersOf, ownRepliesOf } from '../../support/assert/documented-reply.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { type Gateway, gateway } from '../../support/harness/gateway.ts'

const document = committedDocument()
const operations = operationsOf(document)

/** Preparations of replies that a request alone does not cause. */
const preparations: Record<string, (gateway: Gateway) => unknown> = {
  'createOrder 202': ({ sandbox }) => sandbox.control.fault({ kind: 'html-502', action: 'create_order' }),
  'getReadiness 503': async ({ running, get }) => {
    void running.drain()
    await eventually(async () => (await get('/readyz', { token: null })).statusCode === 503)
  }
}

/** Long enough for a request before the listener closes. */
const settings = { DRAIN_DELAY_MS: '300' }

let compared = 0
t.teardown(() => process.stdout.write(`# ${compared} examples of replies were requested and compared\n`))

t.test('every operation has its texts and examples', async t => {
  t.ok(operations.length >= 22, `${operations.length} operations`)
  for (const operation of operations) {
    const { operationId, method, requestBody, parameters = [] } = operation
    t.ok(operation.summary && operation.description, `${operationId} has a summary and a description`)
    t.ok(operation['x-required-scope'], `${operationId} names its scope`)
    t.ok(operation['x-rate-class'] && operation['x-rate-cost'] >= 0, `${operationId} names its limit`)
    t.type(operation['x-upstream-action'], Array, `${operationId} names its actions`)
    const unfilled = Object.keys(operation['x-example-request']?.parameters ?? {})
    const bare = parameters.filter(({ required, example }) => required && example === undefined)
    t.same(
      bare.filter(({ name }) => !unfilled.includes(name)),
      [],
      `${operationId} has an example of each required parameter`
    )
    const hasBody = method === 'POST' && operationId !== 'resumeJob'
    t.equal(requestBody !== undefined, hasBody, `${operationId} has a body when it posts`)
    for (const { example } of Object.values(requestBody?.content ?? {})) {
      t.type(example, 'object', `${operationId} has an example of its body`)
    }
    const replies = ownRepliesOf(operation)
    t.ok(
      replies.some(([status]) => status.startsWith('2')),
      `${operationId} can succeed`
    )
    for (const [status, { content = {} }] of replies) {
      t.equal(Object.keys(content).length === 0, status === '204', `${operationId} ${status} has a body`)
      for (const [type, { example, examples }] of Object.entries(content)) {
        if (type === 'text/html') continue
        t.ok(example !== undefined || examples, `${operationId} ${status} has an example as ${type}`)
      }
    }
  }
})

for (const operation of operations) {
  for (const reply of ownRepliesOf(operation)) {
    const name = `${operation.operationId} ${reply[0]}`
    t.test(`${name}: the sandbox answers the example request as the document says`, async t => {
      const sandbox = await startSandbox()
      t.after(() => sandbox.close())
      const running = await gateway(t, settings, { sandbox, isEphemeral: true })
      await preparations[name]?.(running)
      compared += await answersAsDocumented(t, running, operation, reply)
      const asked = sandbox.control.calls().map(({ script, action }) => `${script.replace('.php', '')}/${action}`)
      t.strictSame(
        asked.filter(action => !operation['x-upstream-action'].includes(action)),
        [],
        'calls only the actions that it names'
      )
    })
  }
}

t.test('a warning is the example of its model', async t => {
  const { post, sandbox } = await gateway(t)
  sandbox.control.setBehaviours({ listLag: 100 })
  const made = await post('/accounts/s3_user_1/buckets', { name: 'photos' })
  t.strictSame(made.json().warnings, document.components.schemas['Warning']?.examples)
  compared += 1
})

t.test('304 when the caller has the version', async t => {
  const versioned = operations.filter(({ responses }) => '304' in responses)
  t.ok(versioned.length >= 9, `${versioned.length} operations`)
  const { send, sandbox, url } = await gateway(t, {}, { isEphemeral: true })
  const { violations } = await createContract(url)
  for (const operation of versioned) {
    const { operationId, method, responses } = operation
    const { path, headers } = requestOf(operation)
    const { token } = sandbox.demo
    const first = await send(method, path, { token, headers })
    t.equal(first.statusCode, 200, `${operationId}: ${first.text}`)
    const etag = first.headers['etag'] ?? ''
    t.match(etag, /^W\/"/, operationId)
    const again = await send(method, path, { token, headers: { ...headers, 'if-none-match': etag } })
    t.equal(again.statusCode, 304, `${operationId}: ${again.text}`)
    t.equal(again.text, '', operationId)
    t.match(responses['304']?.$ref, /\/responses\/304/, operationId)
    // The same headers as those of the 200.
    for (const name of ['etag', 'cache-control', 'vary', 'link']) {
      t.equal(again.headers[name], first.headers[name], `${operationId}: ${name}`)
    }
    t.equal(again.headers['link'], headersOf(operation, '304')['Link'], `${operationId}: the link of the example`)
    t.strictSame(violations(`${method} ${path}`, again), [], operationId)
    compared += 1
  }
})
