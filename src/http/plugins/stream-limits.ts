import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../core/problem.ts'
import { EVENTS_TYPE, LINES_TYPE } from '../accept.ts'
import { MAX_CONNECTIONS } from '../listener.ts'
import { onFinished } from '../on-finished.ts'
import { operationIn } from '../operation.ts'
import { contextOf } from '../route.ts'

/** A stream ends when its reader has read it, which may never be. */
const STREAMED = [LINES_TYPE, EVENTS_TYPE]

/** 5 s: the state of a job can be read meanwhile. */
const RETRY_SECONDS = 5

/**
 * Limits the streams that one caller reads at the same time to as many as are left: half of the connections where nobody
 * else reads any, half of the rest for the next caller. So no number of streams of some callers takes all connections.
 */
export const streamLimits = fp(
  async (app: FastifyInstance, { max = MAX_CONNECTIONS }: { max?: number }) => {
    const open = new Map<string, number>()
    let left = max
    /** Whose streams are open. */
    const shares = new Map<FastifyRequest, string>()
    const begin = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction) => {
      const { share } = contextOf(request).caller
      const own = open.get(share) ?? 0
      if (own >= left) {
        const detail = `${own} streams are open, as many as the caller may read at the same time, for the limit \`streams\`.`
        throw new Problem('rate-limited', detail, { retryAfterSeconds: RETRY_SECONDS, limit: 'streams' })
      }
      left -= 1
      open.set(share, own + 1)
      shares.set(request, share)
      done()
    }
    onFinished(app, request => {
      const share = shares.get(request)
      if (share === undefined) return
      shares.delete(request)
      left += 1
      const others = (open.get(share) ?? 0) - 1
      if (others > 0) open.set(share, others)
      else open.delete(share)
    })
    app.addHook('onRoute', route => {
      if (!operationIn(route.config).mediaTypes.some(type => STREAMED.includes(type))) return
      route.preHandler = [begin, ...[route.preHandler ?? []].flat()]
    })
  },
  { name: 'stream-limits' }
)
