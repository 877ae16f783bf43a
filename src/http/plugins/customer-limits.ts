import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { note } from '../../core/context.ts'
import { isProblem } from '../../core/problem.ts'
import { networkOf } from '../network.ts'
import { callerOperationOf, operationIn } from '../operation.ts'
import { contextOf } from '../route.ts'
import { CLASSES, consume, type Limiter, mayRepeat, type Policy } from './rate-limits.ts'

/**
 * Limits by customer. The customer of a token, and whether a request repeats another, are asked for after the validation:
 * HOSTKEY is not called for an invalid request.
 */
export const customerLimits = fp(
  async (app: FastifyInstance, { limiter }: { limiter: Limiter }) => {
    const limitCustomer = async (request: FastifyRequest, reply: FastifyReply) => {
      const { caller } = contextOf(request)
      const operation = callerOperationOf(request)
      const isDeferred = mayRepeat(operation, request)
      // The other requests have been counted before: by token, or by the customer itself.
      if (!isDeferred && caller.authScheme !== 'bearer') return
      if (isDeferred && (await operation.isRepetition?.(request))) return
      const applied = limiter.ofCustomer(request, await customerOf(request))
      if (!isDeferred) for (const { policy } of applied) withdraw(policy, reply)
      await consume(limiter, reply, applied)
    }
    app.addHook('onRoute', route => {
      const operation = operationIn(route.config)
      if (operation.access === 'open' || !CLASSES[operation.rate].some(({ isByCustomer }) => isByCustomer)) return
      route.preHandler = [limitCustomer, ...[route.preHandler ?? []].flat()]
    })
  },
  { name: 'customer-limits' }
)

/**
 * Whose limit a request counts against: the customer of the token. HOSTKEY is asked for it, once a minute for each token.
 * A service has limits of its own, from the registry. A token whose customer HOSTKEY does not tell shares the quota of all
 * such tokens in its network.
 * @throws Problem invalid-token
 */
const customerOf = async (request: FastifyRequest): Promise<string> => {
  const context = contextOf(request)
  const { caller } = context
  if (caller.authScheme !== 'bearer') return caller.share
  try {
    // An order has the look-ups for orders.
    const { customerId } = await caller.identity(callerOperationOf(request).rate === 'order' ? 'order' : undefined)
    note(context, { customerId })
    if (customerId !== undefined) return `customer:${customerId}`
    request.log.warn({ reason: 'HOSTKEY names no customer' }, CUSTOMER_UNKNOWN)
  } catch (error) {
    if (!isProblem(error)) throw error
    request.log.warn({ reason: error.problem }, CUSTOMER_UNKNOWN)
  }
  return `unknown:${networkOf(request)}`
}

const CUSTOMER_UNKNOWN = 'the customer of a token is not known; its network is limited instead'

/** Removes the items of a limit that is counted again, for the customer. */
const withdraw = ({ name: policy }: Policy, reply: FastifyReply) => {
  for (const name of ['ratelimit-policy', 'ratelimit']) {
    const items = String(reply.getHeader(name)).split(', ')
    reply.header(name, items.filter(item => !item.startsWith(`"${policy}";`)).join(', '))
  }
}
