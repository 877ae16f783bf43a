import type { Price } from '../../../schemas/plans.ts'
import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import { listPlans } from '../../upstream/actions/plans.ts'
import type { Upstream } from '../../upstream/client.ts'
import { type ListedPlan, priceOf } from './plans.ts'

/** The offer that a request chooses: the same members for a free account and for an order. */
export interface RequestedOffer {
  planId: number
  location?: string
}

export type OfferKind = 'free' | 'paid'

const isFree = (plan: ListedPlan) => Object.values(priceOf(plan)).every(price => price === undefined || price === 0)

/**
 * Checks a request against a fresh list of plans, before anything is sent that may bill.
 * @returns the plan, and the location to send
 * @throws Problem plan-not-orderable, location-not-offered
 */
export const checkOffer = async (
  upstream: Upstream,
  kind: OfferKind,
  requested: RequestedOffer,
  context: RequestContext
): Promise<{ plan: ListedPlan; location: string }> => {
  const { plans } = await upstream.call(listPlans, {}, context)
  const plan = plans.find(({ id }) => id === requested.planId)
  if (!plan || plan.active === 0 || plan.active === false)
    throw new Problem('plan-not-orderable', `Plan ${requested.planId} is not on offer.`)
  if (isFree(plan) !== (kind === 'free')) {
    throw new Problem(
      'plan-not-orderable',
      kind === 'free'
        ? `Plan ${plan.id} costs money: order it with POST /orders.`
        : `Plan ${plan.id} is free: use POST /accounts.`
    )
  }
  return { plan, location: checkLocation(kind, plan, requested.location) }
}

/** The default for a free account is NL, as at HOSTKEY; an order has a default only where the plan has one location. */
const checkLocation = (kind: OfferKind, plan: ListedPlan, requested: string | undefined): string => {
  const offered = plan.locations ?? []
  const location = requested ?? (kind === 'free' ? 'NL' : offered.length === 1 ? offered[0] : undefined)
  if (location !== undefined && offered.includes(location)) return location
  const fault =
    location === undefined ? 'The order names no location.' : `Plan ${plan.id} is not offered at ${location}.`
  throw new Problem('location-not-offered', `${fault} Offered: ${offered.join(', ') || 'none'}.`.slice(0, 1000), {
    errors: [
      {
        in: 'body',
        pointer: '/location',
        code: 'not-listed',
        detail: `must be one of ${offered.join(', ')}`.slice(0, 512)
      }
    ]
  })
}

/** @throws Problem price-changed when a price that the caller expects differs from the plan's */
export const checkPrice = (plan: ListedPlan, expected: Price | undefined): void => {
  const actual: Record<string, number | undefined> = priceOf(plan)
  for (const [currency, price] of Object.entries(expected ?? {})) {
    if (actual[currency] === price) continue
    throw new Problem(
      'price-changed',
      `Plan ${plan.id} has another price: ${currency} is ${actual[currency] ?? 'not listed'}, not ${price}.`
    )
  }
}
