import { type FastifyBaseLogger, fastify } from 'fastify'
import t from 'tap'
import { problemNames, problems } from '../../../schemas/problems.ts'
import { finishing } from '../../../src/http/on-finished.ts'
import { errors } from '../../../src/http/plugins/errors.ts'
import { telemetry } from '../../../src/http/plugins/telemetry.ts'
import { createLog } from '../../../src/observability/log.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { fails } from '../../support/assert/expect.ts'
import { gateway, type Reply } from '../../support/harness/gateway.ts'

/** The reply of a handler that throws an unexpected error. */
const replyOfFailingHandler = async (t: { after(end: () => Promise<void>): unknown }): Promise<Reply> => {
  const app = fastify({ loggerInstance: createLog('silent') as FastifyBaseLogger })
  t.after(() => app.close())
  await app.register(finishing)
  await app.register(telemetry, { metrics: createMetrics() })
  await app.register(errors, { publicUrl: 'http://gateway' })
  app.get('/', async (_request, reply) => {
    reply.header('x-request-id', _request.id)
    throw new Error('SELECT password FROM customers')
  })
  const answer = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }))
  const text = await answer.text()
  return { statusCode: answer.status, headers: Object.fromEntries(answer.headers), text, json: () => JSON.parse(text) }
}

t.test('500 internal reveals only the id of the request', async t => {
  const reply = await replyOfFailingHandler(t)
  t.strictSame(reply.json(), {
    type: 'http://gateway/problems/internal',
    name: 'internal',
    title: 'Internal error',
    status: 500,
    detail: 'Something went wrong in the gateway.',
    instance: reply.headers['x-request-id'],
    retryable: false
  })
})

t.test('GET /problems/:name', async t => {
  const { get } = await gateway(t)

  for (const name of problemNames) {
    t.test(`200 for ${name}: a page that says what to do`, async t => {
      const reply = await get(`/problems/${name}`, { token: null })
      t.equal(reply.statusCode, 200)
      t.equal(reply.headers['content-type'], 'text/html; charset=utf-8')
      t.match(reply.text, /^<!doctype html>/)
      t.ok(reply.text.includes(`<code>${name}</code>, HTTP status ${problems[name].status}`))
      t.notMatch(reply.text, /<(script|style|link)|undefined|\[object|`/)
    })
  }

  t.test('404 route-not-found when the problem does not exist', async t => {
    for (const name of ['nothing', 'constructor', 'to-string', '-']) {
      fails(t, await get(`/problems/${name}`), 404, 'route-not-found')
    }
  })

  t.test('404 route-not-found when the name is malformed', async t => {
    for (const name of ['__proto__', 'A', 'x'.repeat(65), '%3Cscript%3E']) {
      fails(t, await get(`/problems/${name}`), 404, 'route-not-found')
    }
  })
})
