import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Scope } from '../../../schemas/scopes.ts'
import { type Caller, mayUse, noSuchAccount } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import { callerOperationOf, textsOf } from '../operation.ts'
import { contextOf } from '../route.ts'
import { REFUSED_SCOPE } from './audit.ts'

export interface AuthoriseOptions {
  /** The accounts that the caller has ordered itself. */
  listOrderedBy: (caller: Caller) => Promise<ReadonlySet<string>>
}

/** Checks the scopes that the operation needs and the account that it is for, before the handler runs. */
export const authorise = fp(
  async (app: FastifyInstance, { listOrderedBy }: AuthoriseOptions) => {
    app.addHook('onRequest', async request => {
      const { scope, adminQuery, account } = callerOperationOf(request)
      const { caller } = contextOf(request)
      if (scope && !(await caller.grants(scope))) throw lacking(request, scope, 'This operation')
      for (const parameter of adminQuery) {
        if (!Object.hasOwn(request.query as object, parameter)) continue
        if (!(await caller.grants('admin'))) throw lacking(request, 'admin', `The parameter ${parameter}`)
      }
      const s3uid = account?.(textsOf(request))
      if (s3uid === undefined || mayUse(caller, s3uid)) return
      if (!(await listOrderedBy(caller)).has(s3uid)) throw noSuchAccount()
    })
  },
  { name: 'authorise' }
)

/** Leaves the scope that the caller lacks for the audit log. */
const lacking = (request: FastifyRequest, scope: Scope, what: string): Problem => {
  request.setDecorator(REFUSED_SCOPE, scope)
  return new Problem('insufficient-scope', `${what} needs the scope ${scope}.`)
}
