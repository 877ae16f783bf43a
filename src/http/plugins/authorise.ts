import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Scope } from '../../../schemas/scopes.ts'
import { mayUse, noSuchAccount } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import { callerOperationOf, textsOf } from '../operation.ts'
import { contextOf } from '../route.ts'
import { REFUSED_SCOPE } from './audit.ts'

/** Checks the scopes that the operation needs and the account that it is for, before the handler runs. */
export const authorise = fp(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async request => {
      const { scope, adminQuery, account } = callerOperationOf(request)
      if (scope) await assertScope(request, scope)
      for (const parameter of adminQuery) {
        if (Object.hasOwn(request.query as object, parameter)) await assertScope(request, 'admin', parameter)
      }
      const s3uid = account?.(textsOf(request))
      if (s3uid !== undefined && !mayUse(contextOf(request).caller, s3uid)) throw noSuchAccount()
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
