import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

interface ReadyReply {
  reply: FastifyReply
  send: (error?: Error) => void
}

/**
 * Sends the replies that are ready one right after the other, instead of each as soon as it is: while the client, or the
 * proxy, still reads the first, the others need not wake it. A sixth of a read's time (measured). It does so in the next turn
 * of the event loop: what this one sends to HOSTKEY goes first, because it has an answer to wait for. Registered last, so
 * that nothing else happens in between.
 */
export const batching = fp(
  async (app: FastifyInstance) => {
    let ready: ReadyReply[] = []
    const sendAll = () => {
      const batch = ready
      ready = []
      for (const { reply, send } of batch) {
        // A shutdown may have answered since.
        if (reply.raw.headersSent) continue
        try {
          send()
        } catch (error) {
          // Fastify would have caught it before.
          send(error as Error)
        }
      }
    }
    app.addHook('onSend', (_request, reply, _payload, done) => {
      if (ready.push({ reply, send: done }) === 1) setImmediate(() => setImmediate(sendAll))
    })
  },
  { name: 'batching' }
)
