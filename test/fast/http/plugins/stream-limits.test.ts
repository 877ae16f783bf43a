import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { fastify } from 'fastify'
import t from 'tap'
import { EVENTS_TYPE, LINES_TYPE } from '../../../../src/http/accept.ts'
import { finishing } from '../../../../src/http/on-finished.ts'
import { operation } from '../../../../src/http/operation.ts'
import { streamLimits } from '../../../../src/http/plugins/stream-limits.ts'
import { CONTEXT } from '../../../../src/http/route.ts'
import { contextOf } from '../../../support/harness/contexts.ts'
import { eventually } from '../../../support/harness/eventually.ts'

t.test(
  '429 rate-limited when a caller reads half of all streams, and others have the rest in the same way',
  async t => {
    const app = fastify({ forceCloseConnections: true })
    app.decorateRequest(CONTEXT)
    app.addHook('onRequest', async request => {
      request.setDecorator(CONTEXT, contextOf({ id: String(request.headers['x-caller']) }))
    })
    await app.register(finishing)
    await app.register(streamLimits, { max: 8 })
    for (const [url, type] of Object.entries({
      '/events': EVENTS_TYPE,
      '/lines': LINES_TYPE,
      '/page': 'application/json'
    })) {
      const config = operation({
        scope: undefined,
        rate: 'read',
        account: undefined,
        audit: undefined,
        mediaTypes: [type]
      })
      app.get(url, { config }, (_request, reply) => {
        const body = new PassThrough()
        body.write('{')
        return reply.send(body)
      })
    }
    const url = await app.listen()
    t.after(() => app.close())
    const replies: IncomingMessage[] = []
    const open = async (caller: string, path = '/events') => {
      const [reply] = (await once(get(`${url}${path}`, { headers: { 'x-caller': caller } }), 'response')) as [
        IncomingMessage
      ]
      reply.on('error', () => undefined).resume()
      replies.push(reply)
      return reply.statusCode
    }

    const opened = { a: 4, b: 2, c: 1 }
    for (const [caller, count] of Object.entries(opened)) {
      for (let n = 0; n < count; n += 1)
        t.equal(await open(caller, n % 2 ? '/events' : '/lines'), 200, `${caller} ${n}`)
      t.equal(await open(caller), 429, `${caller} has no more`)
      t.equal(await open(caller, '/page'), 200, 'other replies are no streams')
    }
    replies[0]?.destroy()
    t.ok(await eventually(async () => (await open('c')) === 200), 'a place is free')
    for (const reply of replies) reply.destroy()
    t.ok(await eventually(async () => (await open('a')) === 200), 'all are free')
  }
)
