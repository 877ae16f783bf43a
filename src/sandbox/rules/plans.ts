import { history as historyAction, listPlans } from '../../upstream/actions/plans.ts'
import { phpInteger } from '../php.ts'
import { refuse } from '../refusal.ts'
import { type Context, rule } from '../rule.ts'
import type { Plan } from '../world.ts'

export const list_plans = rule(listPlans, [], (_params, context) => {
  const plans = visiblePlans(context)
  return plans ? { plans: plans.map(printed) } : refuse(listPlans, 'invalid-request')
})

export const history = rule(historyAction, ['id'], ({ id }, { world }) => {
  if (!world.plans.has(id)) return refuse(historyAction, 'plan-not-found')
  const events = world.planEvents.filter(event => event.planId === id)
  return { data: events.map(({ id, action, date, details }) => ({ id, action, date, details })) }
})

/** Customers see what is on offer and may not ask for one plan (assumed); admins see all, or the one they ask for. */
const visiblePlans = ({ world, customer, fields }: Context): Plan[] | undefined => {
  const plans = [...world.plans.values()]
  const asked = fields.get('id')
  if (asked === undefined) return customer.role === 'Admin' ? plans : plans.filter(plan => plan.active)
  const id = phpInteger(asked)
  if (customer.role !== 'Admin' || id === undefined) return undefined
  return plans.filter(plan => plan.id === id)
}

const printed = (plan: Plan) => {
  const price = { monthly_rub: plan.monthlyRub, monthly_eur: plan.monthlyEur, monthly_usd: plan.monthlyUsd }
  return {
    id: plan.id,
    name: plan.name,
    quota: plan.quota,
    active: plan.active ? 1 : 0,
    locations: [...plan.locations],
    ...price,
    storage_type: plan.storageType,
    bandwidth_limit: plan.bandwidthLimit,
    price
  }
}
