import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { listPlans } from '../../upstream/actions/plans.ts'
import type { Upstream } from '../../upstream/client.ts'

export type ListedPlan = Result<typeof listPlans>['plans'][number]

/** What a caller wants to have: the same for a free account and an order. */
export interface Wish {
  planId: number
  location?: string
}

/** A plan may print its prices twice; the inner ones are the same (documented). */
export const priceOf = (plan: ListedPlan) => ({
  monthlyEur: plan.price?.monthly_eur ?? plan.monthly_eur,
  monthlyUsd: plan.price?.monthly_usd ?? plan.monthly_usd,
  monthlyRub: plan.price?.monthly_rub ?? plan.monthly_rub
})

const isFree = (plan: ListedPlan) => Object.values(priceOf(plan)).every(price => price === undefined || price === 0)

/**
 * Checks a wish against a fresh list of plans, before anything is sent that may bill.
 * @returns the plan, and the location to send
 * @throws Problem plan-not-orderable, location-not-offered
 */
export const checkedOffer = async (
  upstream: Upstream,
  kind: 'free' | 'paid',
  wish: Wish,
  context: RequestContext
): Promise<{ plan: ListedPlan; location: string }> => {
  const { plans } = await upstream.call(listPlans, {}, context)
  const plan = plans.find(({ id }) => id === wish.planId)
  if (!plan || plan.active === 0) throw new Problem('plan-not-orderable', `Plan ${wish.planId} is not on offer.`)
  if (isFree(plan) !== (kind === 'free')) {
    throw new Problem(
      'plan-not-orderable',
      kind === 'free'
        ? `Plan ${plan.id} costs money: order it with POST /orders.`
        : `Plan ${plan.id} is free: take it with POST /accounts.`
    )
  }
  return { plan, location: offeredLocation(kind, plan, wish.location) }
}

/** A free account goes to NL unless told otherwise, as upstream does it; an order guesses only where there is no choice. */
const offeredLocation = (kind: 'free' | 'paid', plan: ListedPlan, wished: string | undefined): string => {
  const offered = plan.locations ?? []
  const location = wished ?? (kind === 'free' ? 'NL' : offered.length === 1 ? offered[0] : undefined)
  if (location !== undefined && offered.includes(location)) return location
  const asked =
    location === undefined ? 'The order names no location.' : `Plan ${plan.id} is not offered at ${location}.`
  throw new Problem('location-not-offered', `${asked} Offered: ${offered.join(', ') || 'none'}.`.slice(0, 1000), {
    errors: [{ in: 'body', pointer: '/location', detail: `must be one of ${offered.join(', ')}`.slice(0, 512) }]
  })
}
