import { createAccount, createOrder, deleteAccount } from '../../upstream/actions/accounts.ts'
import { invalidRequest, type Refusal, refuse } from '../refusal.ts'
import { accountRule, type RuleContext, rule } from '../rule.ts'
import type { Account, Plan } from '../state.ts'
import { closeAccount, openAccount, openBucket } from '../storage.ts'

/** Default location of a new account. Documented. */
const DEFAULT_LOCATION = 'NL'

export const create_account = rule(createAccount, ['plan_id', 'bucket_name'], (params, context) => {
  const { state, customer } = context
  const plan = planOnOffer(context, params.plan_id)
  const location = params.location ?? DEFAULT_LOCATION
  if (!plan) return refuse(createAccount, 'plan-not-orderable')
  if (plan.monthlyEur > 0) return refuse(createAccount, 'payment-required')
  if (!plan.locations.includes(location)) return invalidRequest(createAccount.name)
  if (hasFreeAccount(context)) return refuse(createAccount, 'limit-reached')
  return withFirstBucket(createAccount, openAccount(state, customer, plan, location), params.bucket_name, context)
})

export const create_order = rule(createOrder, ['plan_id', 'bucket_name', 'location'], (params, context) => {
  const { state, customer } = context
  const { plan_id: planId, bucket_name: bucketName, location } = params
  const plan = planOnOffer(context, planId)
  if (!plan || plan.monthlyEur === 0) return refuse(createOrder, 'plan-not-orderable')
  if (!plan.locations.includes(location)) return invalidRequest(createOrder.name)
  if (state.behaviours.createOrder === 'unpaid') {
    state.unpaidOrders.push({ customerId: customer.id, planId, bucketName, location })
    return refuse(createOrder, 'payment-required')
  }
  const priceCents = Math.round(plan.monthlyEur * 100)
  if (customer.creditCents < priceCents) return refuse(createOrder, 'payment-required')
  customer.creditCents -= priceCents
  return withFirstBucket(createOrder, openAccount(state, customer, plan, location), bucketName, context)
})

export const delete_account = accountRule(deleteAccount, ['s3uid'], (_params, account, { state }) => {
  closeAccount(state, account)
  return { message: null }
})

const planOnOffer = ({ state }: RuleContext, id: number): Plan | undefined => {
  const plan = state.plans.get(id)
  return plan?.active ? plan : undefined
}

const hasFreeAccount = ({ state, customer }: RuleContext) =>
  [...customer.accounts].some(s3uid => state.accounts.get(s3uid)?.paid === false)

/** Creates the first bucket. When that fails, the account remains. */
const withFirstBucket = (
  action: typeof createAccount | typeof createOrder,
  account: Account,
  bucketName: string,
  { state }: RuleContext
): { s3uid: string } | Refusal => {
  const created = openBucket(state, account, bucketName)
  if (typeof created === 'object') return { s3uid: account.s3uid }
  return refuse(
    action,
    'account-state-unknown',
    created === 'name-taken' ? 'Bucket already exists' : 'InvalidBucketName'
  )
}
