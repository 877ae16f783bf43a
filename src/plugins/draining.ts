import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { whenEnded } from './ended.ts'

/** How a replica ends. */
export interface Drain {
  /** From now on each reply is the last of its connection: its client goes to another replica. */
  begin(): void
  readonly hasBegun: boolean
  /** Requests that are not answered yet. */
  inFlight: number
}

export const createDrain = (): Drain => {
  let hasBegun = false
  return {
    begin() {
      hasBegun = true
    },
    get hasBegun() {
      return hasBegun
    },
    inFlight: 0
  }
}

/** Counts what is in flight, and ends connections behind their reply while the replica drains. */
export const draining = fp(
  async (app: FastifyInstance, { drain }: { drain: Drain }) => {
    app.addHook('onRequest', async () => {
      drain.inFlight += 1
    })
    app.addHook('onSend', async (_request, reply) => {
      if (drain.hasBegun) reply.header('connection', 'close')
    })
    whenEnded(app, () => {
      drain.inFlight -= 1
    })
  },
  { name: 'draining' }
)

/** 50 ms: how long a connection without a request may outlive the last reply. */
const SWEEP_MS = 50

/**
 * Closes the listener, waits for the requests in flight, and ends connections that carry none: browsers open some in
 * advance, and Node would wait for them.
 */
export const closeListener = async (app: FastifyInstance, drain: Drain): Promise<void> => {
  const sweep = setInterval(() => {
    if (drain.inFlight === 0) app.server.closeAllConnections()
  }, SWEEP_MS)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
  }
}
