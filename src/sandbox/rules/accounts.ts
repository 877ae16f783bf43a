import { createAccount, createOrder, deleteAccount } from '../../upstream/actions/accounts.ts'
import { invalidRequest, type Refusal, refuse } from '../refusal.ts'
import { accountRule, type Context, rule } from '../rule.ts'
import { closeAccount, openAccount, openBucket } from '../storage.ts'
import type { Account, Plan } from '../world.ts'

/** Where an account goes when nobody says where (documented). */
const DEFAULT_LOCATION = 'NL'

export const create_account = rule(createAccount, ['plan_id', 'bucket_name'], (params, context) => {
  const { world, customer } = context
  const plan = planOnOffer(context, params.plan_id)
  const location = params.location ?? DEFAULT_LOCATION
  if (!plan) return refuse(createAccount, 'plan-not-orderable')
  if (plan.monthlyEur > 0) return refuse(createAccount, 'payment-required')
  if (!plan.locations.includes(location)) return invalidRequest(createAccount.name)
  if (hasFreeAccount(context)) return refuse(createAccount, 'limit-reached')
  return withFirstBucket(createAccount, openAccount(world, customer, plan, location), params.bucket_name, context)
})

export const create_order = rule(createOrder, ['plan_id', 'bucket_name', 'location'], (params, context) => {
  const { world, customer } = context
  const { plan_id: planId, bucket_name: bucketName, location } = params
  const plan = planOnOffer(context, planId)
  if (!plan || plan.monthlyEur === 0) return refuse(createOrder, 'plan-not-orderable')
  if (!plan.locations.includes(location)) return invalidRequest(createOrder.name)
  if (world.switches.createOrder === 'unpaid') {
    world.unpaidOrders.push({ customerId: customer.id, planId, bucketName, location })
    return refuse(createOrder, 'payment-required')
  }
  const priceCents = Math.round(plan.monthlyEur * 100)
  if (customer.creditCents < priceCents) return refuse(createOrder, 'payment-required')
  customer.creditCents -= priceCents
  return withFirstBucket(createOrder, openAccount(world, customer, plan, location), bucketName, context)
})

export const delete_account = accountRule(deleteAccount, ['s3uid'], (_params, account, { world }) => {
  closeAccount(world, account)
  return { message: null }
})

const planOnOffer = ({ world }: Context, id: number): Plan | undefined => {
  const plan = world.plans.get(id)
  return plan?.active ? plan : undefined
}

const hasFreeAccount = ({ world, customer }: Context) =>
  [...customer.accounts].some(s3uid => world.accounts.get(s3uid)?.paid === false)

/** The account stays, whatever becomes of its first bucket. */
const withFirstBucket = (
  action: typeof createAccount | typeof createOrder,
  account: Account,
  bucketName: string,
  { world }: Context
): { s3uid: string } | Refusal => {
  const made = openBucket(world, account, bucketName)
  if (typeof made === 'object') return { s3uid: account.s3uid }
  return refuse(action, 'account-state-unknown', made === 'taken' ? 'Bucket already exists' : 'InvalidBucketName')
}
