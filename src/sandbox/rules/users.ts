import { getUsers } from '../../upstream/actions/accounts.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { invalidRequest, refuse } from '../refusal.ts'
import { type RuleContext, rule } from '../rule.ts'
import type { Account, State } from '../state.ts'
import { sizeOf } from '../storage.ts'

type User = Result<typeof getUsers>['s3_users'][number]

const sortable = ['id', 's3uid', 'email', 'plan_id', 'location', 'quota', 'traffic', 'storage_usage'] as const
type Sortable = (typeof sortable)[number]

export const get_users = rule(getUsers, [], (params, context) => {
  const { order = 'id', order_by: direction = 'ASC', limit, period_from: from, period_to: to } = params
  const field = sortable.find(name => name === order)
  const days = [from, to].filter(day => day !== undefined)
  const isValid = field && /^(asc|desc)$/i.test(direction) && (limit ?? 1) > 0 && days.every(isDay)
  if (!isValid) return invalidRequest(getUsers.name)
  const accounts = visibleAccounts(context)
  if (!accounts) return refuse(getUsers, 'customer-not-found')
  const users = accounts.filter(filterOf(context)).map(account => toUser(context.state, account))
  const sign = /^desc$/i.test(direction) ? -1 : 1
  users.sort((a, b) => sign * compare(a[field], b[field]) || compare(a.id, b.id))
  return { s3_users: users.slice(0, limit) }
})

/** Customers see their own accounts, whatever `id` is (assumed); admins see all, or those of customer `id`. */
const visibleAccounts = ({ state, customer, fields }: RuleContext): Account[] | undefined => {
  const id = customer.role === 'Admin' ? (fields.get('id') ?? '') : ''
  const owner = id === '' ? customer : state.customers.get(Number(id))
  if (!owner) return undefined
  const isAll = customer.role === 'Admin' && id === ''
  const s3uid = fields.get('s3uid') || undefined
  const names = s3uid === undefined ? [...(isAll ? state.accounts.keys() : owner.accounts)] : [s3uid]
  const accounts = names.flatMap(name => state.accounts.get(name) ?? [])
  return accounts.filter(account => (isAll || account.customerId === owner.id) && isVisible(account))
}

/** A list may omit new accounts. */
const isVisible = (account: Account): boolean => {
  if (account.listsUntilVisible === 0) return true
  account.listsUntilVisible -= 1
  return false
}

const filterOf = ({ state, fields }: RuleContext) => {
  const bucketName = fields.get('bucket_name')
  const requested = new Map([...fields].filter(([, value]) => value !== ''))
  const matches = (name: string, value: string) =>
    (requested.get(name)?.toLowerCase() ?? value.toLowerCase()) === value.toLowerCase()
  return (account: Account) =>
    (requested.get('plan_id') ?? String(account.planId)) === String(account.planId) &&
    (requested.get('location') ?? account.location) === account.location &&
    (requested.get('billing') ?? billingOf(state, account)) === billingOf(state, account) &&
    (!bucketName || state.buckets.get(bucketName)?.s3uid === account.s3uid) &&
    matches('email', account.email)
}

const billingOf = (state: State, account: Account) => state.customers.get(account.customerId)?.billing

const toUser = (state: State, account: Account): Required<User> => ({
  id: account.id,
  s3uid: account.s3uid,
  email: account.email,
  plan_id: account.planId,
  location: account.location,
  quota: account.quota,
  traffic: account.bandwidth,
  storage_usage: sizeOf(state, account)
})

const compare = (a: User[Sortable], b: User[Sortable]): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : Number(String(a) > String(b))
}

const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
