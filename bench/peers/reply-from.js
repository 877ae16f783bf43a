import replyFrom from '@fastify/reply-from'
import fastify from 'fastify'
import { formOf } from './form.js'

/** Fastify as a proxy: passes the reply through. */
const app = fastify()
await app.register(replyFrom, { base: process.env.UPSTREAM, undici: { connections: 64, pipelining: 1 } })

app.all('/*', (request, reply) =>
  reply.from('/s3.php', {
    method: 'POST',
    body: formOf(request),
    contentType: 'application/x-www-form-urlencoded'
  })
)
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
