import { type FastifyReply, fastify } from 'fastify'
import t, { type Test } from 'tap'
import { batching } from '../../../../src/http/plugins/batching.ts'

/** A server whose `count` requests become ready in one turn. @param answer of one request */
const serve = async (t: Test, count: number, answer: (reply: FastifyReply, place: number) => unknown) => {
  const app = fastify({ forceCloseConnections: true })
  t.after(() => app.close())
  const { promise: all, resolve: begin } = Promise.withResolvers<void>()
  const replies: FastifyReply[] = []
  const errors: unknown[] = []
  app.addHook('onError', async (_request, _reply, error) => void errors.push(error))
  await app.register(batching)
  app.get('/:place', async (request, reply) => {
    if (replies.push(reply) === count) setImmediate(begin)
    await all
    return await answer(reply, Number((request.params as { place: string }).place))
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const got = Array.from({ length: count }, async (_, place) => {
    const reply = await fetch(`${url}/${place}`)
    return [reply.status, await reply.text()]
  })
  return { replies, errors, all, got: Promise.all(got) }
}

t.test('replies that are ready in one turn of the event loop are sent together in the next', async t => {
  let ready = 0
  const { replies, all, got } = await serve(t, 3, (_reply, place) => {
    ready += 1
    return `reply ${place}`
  })
  await all
  const sent = new Set<number>()
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise(setImmediate)
    t.equal(ready, 3)
    sent.add(replies.filter(({ raw }) => raw.headersSent).length)
  }
  t.same([...sent], [0, 3], 'all or none')
  t.same(
    await got,
    [0, 1, 2].map(place => [200, `reply ${place}`])
  )
})

t.test('a reply that cannot be sent becomes a failure, and the others are sent', async t => {
  const { got } = await serve(t, 3, (reply, place) => {
    if (place === 1) reply.header('x-note', 'two\nlines')
    return `reply ${place}`
  })
  const [first, second, third] = await got
  t.same(
    [first, third],
    [0, 2].map(place => [200, `reply ${place}`])
  )
  t.match(second, [500, /Invalid character/])
})

t.test('a request that was answered meanwhile is not answered again, and the others are sent', async t => {
  const { got, errors } = await serve(t, 3, (reply, place) => {
    if (place === 1) process.nextTick(() => reply.raw.writeHead(503).end('shutting down'))
    return `reply ${place}`
  })
  t.same(await got, [
    [200, 'reply 0'],
    [503, 'shutting down'],
    [200, 'reply 2']
  ])
  t.same(errors, [])
})
