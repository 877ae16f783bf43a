import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Scope } from '../../../schemas/scopes.ts'
import { type Caller, mayUse, noSuchAccount } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import { hookOf } from '../hook.ts'
import { callerOperationOf, operationIn, textsOf } from '../operation.ts'
import { contextOf } from '../route.ts'
import { REFUSED_SCOPE } from './audit.ts'

export interface AuthoriseOptions {
  /** The accounts that the caller has ordered itself. */
  listOrderedBy: (caller: Caller) => Promise<ReadonlySet<string>>
}

/** Checks the scopes that the operation needs and the account that it is for, before the handler runs. */
export const authorise = fp(
  async (app: FastifyInstance, { listOrderedBy }: AuthoriseOptions) => {
    app.addHook(
      'onRequest',
      hookOf(request => {
        const { scope, adminQuery, account } = callerOperationOf(request)
        const { caller } = contextOf(request)
        const s3uid = account?.(textsOf(request))
        const filter = adminQuery.find(parameter => Object.hasOwn(request.query as object, parameter))
        const isGranted = scope === undefined || caller.grants(scope)
        const check = async () => {
          if (scope && !(await isGranted)) throw lacking(request, scope, 'This operation')
          if (filter !== undefined && !(await caller.grants('admin'))) {
            throw lacking(request, 'admin', `The parameter ${filter}`)
          }
          if (s3uid === undefined || mayUse(caller, s3uid)) return
          if (!(await listOrderedBy(caller)).has(s3uid)) throw noSuchAccount()
        }
        // Of almost every request nothing has to be looked up.
        const isClear = isGranted === true && filter === undefined && (s3uid === undefined || mayUse(caller, s3uid))
        return isClear ? undefined : check()
      })
    )
    const checkBody = async (request: FastifyRequest) => {
      const { scopeByBody } = callerOperationOf(request)
      const scope = scopeByBody?.scopeOf(textsOf(request).body)
      if (scope && !(await contextOf(request).caller.grants(scope))) throw lacking(request, scope, 'This operation')
    }
    app.addHook('onRoute', route => {
      const operation = operationIn(route.config)
      if (operation.access === 'open' || operation.scopeByBody === undefined) return
      route.preHandler = [checkBody, ...[route.preHandler ?? []].flat()]
    })
  },
  { name: 'authorise' }
)

/** Leaves the scope that the caller lacks for the audit log. */
const lacking = (request: FastifyRequest, scope: Scope, what: string): Problem => {
  request.setDecorator(REFUSED_SCOPE, scope)
  return new Problem('insufficient-scope', `${what} needs the scope ${scope}.`)
}
