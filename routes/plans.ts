import { VersionHeaders } from '../schemas/headers.ts'
import { Plan, PlanHistory, PlanList, PlanPath } from '../schemas/plans.ts'
import { answers, withVersion } from '../src/http/answers.ts'
import { operation } from '../src/http/operation.ts'
import { NOTHING } from '../src/http/reach.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { history, listPlans } from '../src/upstream/actions/plans.ts'

/** Plans depend on the customer's rights, so only the caller's own cache may keep them. */
const CACHE = 'private, max-age=60'

/** Plans change rarely: under load they are refused first. */
const PLANS = operation({
  scope: 'plans:read',
  rate: 'read',
  priority: 'reference',
  account: undefined,
  reach: NOTHING,
  audit: undefined
})

/** The pricing plans. */
export const planRoutes: Routes = async (app, { plans }) => {
  app.route({
    method: 'GET',
    url: '/plans',
    config: PLANS,
    schema: {
      operationId: 'listPlans',
      summary: 'List plans',
      description: 'Lists the plans that HOSTKEY offers to the customer.',
      tags: ['Plans'],
      headers: VersionHeaders,
      response: answers(withVersion(PlanList), listPlans)
    },
    async handler(request, reply) {
      const list = await plans.list(contextOf(request))
      return reply.header('cache-control', CACHE).send(list)
    }
  })

  app.route({
    method: 'GET',
    url: '/plans/:planId',
    config: PLANS,
    schema: {
      operationId: 'getPlan',
      summary: 'Read a plan',
      description: 'Returns one available plan.',
      tags: ['Plans'],
      params: PlanPath,
      headers: VersionHeaders,
      response: answers(withVersion(Plan), listPlans, 'plan-not-found')
    },
    async handler(request, reply) {
      const plan = await plans.get(contextOf(request), request.params.planId)
      return reply.header('cache-control', CACHE).send(plan)
    }
  })

  app.route({
    method: 'GET',
    url: '/plans/:planId/history',
    config: PLANS,
    schema: {
      operationId: 'listPlanHistory',
      summary: 'List the changes of a plan',
      description: 'Lists the changes that HOSTKEY has recorded.',
      tags: ['Plans'],
      params: PlanPath,
      headers: VersionHeaders,
      response: answers(withVersion(PlanHistory), history)
    },
    async handler(request, reply) {
      const changes = await plans.listHistory(contextOf(request), request.params.planId)
      return reply.header('cache-control', CACHE).send(changes)
    }
  })
}
