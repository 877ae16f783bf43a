import { VersionHeaders } from '../schemas/headers.ts'
import { Plan, type PlanChange, PlanHistory, PlanList, PlanPath } from '../schemas/plans.ts'
import { Problem } from '../src/core/problem.ts'
import { toInstant } from '../src/core/timestamps.ts'
import { defined } from '../src/core/without-undefined.ts'
import { type ListedPlan, priceOf } from '../src/domain/orders/offers.ts'
import { answers, versioned } from '../src/http/answers.ts'
import { contextOf, needs, type Routes } from '../src/http/route.ts'
import type { Result } from '../src/upstream/actions/action.ts'
import { history, listPlans } from '../src/upstream/actions/plans.ts'

/** Plans depend on the customer's rights, so only the caller's own cache may keep them. */
const CACHE = 'private, max-age=60'

/** The pricing plans. */
export const plans: Routes = async (app, { upstream }) => {
  app.route({
    method: 'GET',
    url: '/plans',
    config: needs('plans:read', 'read'),
    schema: {
      operationId: 'listPlans',
      summary: 'List plans',
      description: 'Lists the plans that HOSTKEY offers to the customer.',
      tags: ['Plans'],
      headers: VersionHeaders,
      response: answers(versioned(PlanList), listPlans)
    },
    async handler(request, reply) {
      const { plans } = await upstream.call(listPlans, {}, contextOf(request))
      return reply.header('cache-control', CACHE).send({ items: plans.map(toPlan) })
    }
  })

  app.route({
    method: 'GET',
    url: '/plans/:planId',
    config: needs('plans:read', 'read'),
    schema: {
      operationId: 'getPlan',
      summary: 'Read a plan',
      description: 'Returns one available plan.',
      tags: ['Plans'],
      params: PlanPath,
      headers: VersionHeaders,
      response: answers(versioned(Plan), listPlans, 'plan-not-found')
    },
    async handler(request, reply) {
      const { planId } = request.params
      const { plans } = await upstream.call(listPlans, {}, contextOf(request))
      const found = plans.find(({ id }) => id === planId)
      if (!found) throw new Problem('plan-not-found', `Plan ${planId} is not on offer.`)
      return reply.header('cache-control', CACHE).send(toPlan(found))
    }
  })

  app.route({
    method: 'GET',
    url: '/plans/:planId/history',
    config: needs('plans:read', 'read'),
    schema: {
      operationId: 'listPlanHistory',
      summary: 'List the changes of a plan',
      description: 'Lists the changes that HOSTKEY has recorded.',
      tags: ['Plans'],
      params: PlanPath,
      headers: VersionHeaders,
      response: answers(versioned(PlanHistory), history)
    },
    async handler(request, reply) {
      const { planId } = request.params
      const { data } = await upstream.call(history, { id: planId }, contextOf(request))
      return reply.header('cache-control', CACHE).send({ items: data.map(toPlanChange) })
    }
  })
}

const toPlan = (theirs: ListedPlan): Plan =>
  defined({
    id: theirs.id,
    name: theirs.name,
    active: theirs.active === undefined ? undefined : theirs.active !== 0,
    quotaBytes: theirs.quota,
    locations: theirs.locations ?? [],
    storageType: theirs.storage_type,
    bandwidthLimit: theirs.bandwidth_limit,
    price: defined(priceOf(theirs))
  })

const toPlanChange = (theirs: Result<typeof history>['data'][number]): PlanChange =>
  defined({ id: theirs.id, action: theirs.action, changedAt: toInstant(theirs.date), details: theirs.details })
