import { history as historyAction, listPlans } from '../../upstream/actions/plans.ts'
import { phpInteger } from '../php.ts'
import { refuse } from '../refusal.ts'
import { type RuleContext, rule } from '../rule.ts'
import type { Plan } from '../state.ts'

export const list_plans = rule(listPlans, [], (_params, context) => {
  const plans = visiblePlans(context)
  return plans ? { plans: plans.map(toPlan) } : refuse(listPlans, 'invalid-request')
})

export const history = rule(historyAction, ['id'], ({ id }, { state }) => {
  if (!state.plans.has(id)) return refuse(historyAction, 'plan-not-found')
  const events = state.planEvents.filter(event => event.planId === id)
  return { data: events.map(({ id, action, date, details }) => ({ id, action, date, details })) }
})

/** Customers see the active plans and may not name one (assumed); admins see all plans, or the one they name. */
const visiblePlans = ({ state, customer, fields }: RuleContext): Plan[] | undefined => {
  const plans = [...state.plans.values()]
  const requested = fields.get('id')
  if (requested === undefined) return customer.role === 'Admin' ? plans : plans.filter(plan => plan.active)
  const id = phpInteger(requested)
  if (customer.role !== 'Admin' || id === undefined) return undefined
  return plans.filter(plan => plan.id === id)
}

const toPlan = (plan: Plan) => {
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
