import type { Plan, PlanChange, PlanHistory, PlanList } from '../../../schemas/plans.ts'
import type { RequestContext } from '../../core/context.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { Problem } from '../../core/problem.ts'
import { toInstant } from '../../core/timestamps.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { history, listPlans } from '../../upstream/actions/plans.ts'
import type { Upstream } from '../../upstream/client.ts'

/** The pricing plans that HOSTKEY offers to the caller. */
export interface Plans {
  list(context: RequestContext): Promise<PlanList>
  /** @throws Problem plan-not-found */
  get(context: RequestContext, planId: number): Promise<Plan>
  /** The changes of a plan. @throws Problem plan-not-found */
  listHistory(context: RequestContext, planId: number): Promise<PlanHistory>
}

export const createPlans = (upstream: Upstream): Plans => ({
  async list(context) {
    const { plans } = await upstream.call(listPlans, {}, context)
    return listOf(plans)
  },
  async get(context, planId) {
    const { plans } = await upstream.call(listPlans, {}, context)
    const found = plans.find(({ id }) => id === planId)
    if (!found) throw new Problem('plan-not-found', `Plan ${planId} is not on offer.`)
    return toPlan(found)
  },
  async listHistory(context, planId) {
    const { data } = await upstream.call(history, { id: planId }, context)
    return { items: data.map(toPlanChange) }
  }
})

/** A plan as HOSTKEY lists it. */
export type ListedPlan = Result<typeof listPlans>['plans'][number]

/** The cache gives one answer to many requests: its list is made once. */
const lists = new WeakMap<readonly ListedPlan[], PlanList>()

const listOf = (plans: readonly ListedPlan[]): PlanList => {
  const known = lists.get(plans)
  if (known) return known
  const list = Object.freeze({ items: plans.map(toPlan) })
  lists.set(plans, list)
  return list
}

/** HOSTKEY may print the prices twice; the inner ones are the same (documented). */
export const priceOf = (plan: ListedPlan) => ({
  monthlyEur: plan.price?.monthly_eur ?? plan.monthly_eur,
  monthlyUsd: plan.price?.monthly_usd ?? plan.monthly_usd,
  monthlyRub: plan.price?.monthly_rub ?? plan.monthly_rub
})

/** A plan as callers read it. */
export const toPlan = (theirs: ListedPlan): Plan =>
  optionalMembers({
    id: theirs.id,
    name: theirs.name,
    active: theirs.active === undefined ? undefined : Boolean(theirs.active),
    quotaBytes: theirs.quota,
    locations: theirs.locations ?? [],
    storageType: theirs.storage_type,
    bandwidthLimit: theirs.bandwidth_limit,
    price: optionalMembers(priceOf(theirs))
  })

const toPlanChange = (theirs: Result<typeof history>['data'][number]): PlanChange =>
  optionalMembers({ id: theirs.id, action: theirs.action, changedAt: toInstant(theirs.date), details: theirs.details })
