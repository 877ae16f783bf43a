import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Scope } from '../../../schemas/scopes.ts'
import { mayUse, noSuchAccount } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import { contextOf, needsOf } from '../route.ts'
import { REFUSED_SCOPE } from './audit.ts'

/** Lets a caller do what its scopes allow, on the accounts that it may use, before the handler runs. */
export const authorise = fp(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async request => {
      const { caller } = contextOf(request)
      const needed = needsOf(request.routeOptions.config)
      if (needed?.scope) await assertScope(request, needed.scope)
      for (const parameter of needed?.adminQuery ?? []) {
        if (Object.hasOwn(request.query as object, parameter)) await assertScope(request, 'admin', parameter)
      }
      const { s3uid } = request.params as { s3uid?: string }
      if (s3uid !== undefined && !mayUse(caller, s3uid)) throw noSuchAccount()
    })
  },
  { name: 'authorise' }
)

/** @throws Problem insufficient-scope */
const assertScope = async (request: FastifyRequest, scope: Scope, parameter?: string): Promise<void> => {
  if (await contextOf(request).caller.grants(scope)) return
  request.setDecorator(REFUSED_SCOPE, scope)
  const what = parameter === undefined ? 'This operation' : `The parameter ${parameter}`
  throw new Problem('insufficient-scope', `${what} needs the scope ${scope}.`)
}
