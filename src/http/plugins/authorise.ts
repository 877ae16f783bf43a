import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Scope } from '../../../schemas/scopes.ts'
import { type Caller, mayUse, noSuchAccount } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import { hookOf } from '../hook.ts'
import { callerOperationOf, operationIn, textsOf } from '../operation.ts'
import { assertWithin, type Reach } from '../reach.ts'
import { contextOf } from '../route.ts'
import { REFUSED_SCOPE } from './audit.ts'

export interface AuthoriseOptions {
  /** The accounts that the caller has ordered itself. */
  listOrderedBy: (caller: Caller) => Promise<ReadonlySet<string>>
}

/** Checks the scopes that the operation needs, the account that it is for and what it reaches, before the handler runs. */
export const authorise = fp(
  async (app: FastifyInstance, { listOrderedBy }: AuthoriseOptions) => {
    app.addHook(
      'onRequest',
      hookOf(request => {
        const { scope, adminQuery, account, reach } = callerOperationOf(request)
        const { caller } = contextOf(request)
        const texts = textsOf(request)
        const s3uid = account?.(texts)
        const filter = adminQuery.find(parameter => Object.hasOwn(request.query as object, parameter))
        const isGranted = scope === undefined || caller.grants(scope)
        const assertReach = () => {
          if (!isInBody(reach)) assertWithin(caller, reach, texts)
        }
        const check = async () => {
          if (scope && !(await isGranted)) throw lacking(request, scope, 'This operation')
          if (filter !== undefined && !(await caller.grants('admin'))) {
            throw lacking(request, 'admin', `The parameter ${filter}`)
          }
          assertReach()
          if (s3uid === undefined || mayUse(caller, s3uid)) return
          if (!(await listOrderedBy(caller)).has(s3uid)) throw noSuchAccount()
        }
        // Of almost every request nothing has to be looked up.
        const isClear = isGranted === true && filter === undefined && (s3uid === undefined || mayUse(caller, s3uid))
        if (!isClear) return check()
        assertReach()
        return undefined
      })
    )
    const checkBody = async (request: FastifyRequest) => {
      const { scopeByBody, reach } = callerOperationOf(request)
      const { caller } = contextOf(request)
      const scope = scopeByBody?.scopeOf(textsOf(request).body)
      if (scope && !(await caller.grants(scope))) throw lacking(request, scope, 'This operation')
      assertWithin(caller, reach, textsOf(request))
    }
    app.addHook('onRoute', route => {
      const operation = operationIn(route.config)
      if (operation.access === 'open' || (operation.scopeByBody === undefined && !isInBody(operation.reach))) return
      route.preHandler = [checkBody, ...[route.preHandler ?? []].flat()]
    })
  },
  { name: 'authorise' }
)

const isInBody = (reach: Reach | undefined): boolean => reach?.of === 'files' && reach.isInBody === true

/** Leaves the scope that the caller lacks for the audit log. */
const lacking = (request: FastifyRequest, scope: Scope, what: string): Problem => {
  request.setDecorator(REFUSED_SCOPE, scope)
  return new Problem('insufficient-scope', `${what} needs the scope ${scope}.`)
}
