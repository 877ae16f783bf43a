import { getUsers } from '../../upstream/actions/accounts.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { invalidRequest, refuse } from '../refusal.ts'
import { type Context, rule } from '../rule.ts'
import { sizeOf } from '../storage.ts'
import type { Account, World } from '../world.ts'

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
  const users = accounts.filter(matching(context)).map(account => printed(context.world, account))
  const sign = /^desc$/i.test(direction) ? -1 : 1
  users.sort((a, b) => sign * compared(a[field], b[field]) || compared(a.id, b.id))
  return { s3_users: users.slice(0, limit) }
})

/** A customer sees their own, and `id` is ignored (assumed); an admin sees all, or those of the customer `id`. */
const visibleAccounts = ({ world, customer, fields }: Context): Account[] | undefined => {
  const id = customer.role === 'Admin' ? (fields.get('id') ?? '') : ''
  const whose = id === '' ? customer : world.customers.get(Number(id))
  if (!whose) return undefined
  const everybodys = customer.role === 'Admin' && id === ''
  const s3uid = fields.get('s3uid') || undefined
  const names = s3uid === undefined ? [...(everybodys ? world.accounts.keys() : whose.accounts)] : [s3uid]
  const accounts = names.flatMap(name => world.accounts.get(name) ?? [])
  return accounts.filter(account => (everybodys || account.customerId === whose.id) && isShown(account))
}

/** A new account may take a few lists to appear. */
const isShown = (account: Account): boolean => {
  if (account.unseen === 0) return true
  account.unseen -= 1
  return false
}

const matching = ({ world, fields }: Context) => {
  const bucketName = fields.get('bucket_name')
  const wanted = new Map([...fields].filter(([, value]) => value !== ''))
  const matches = (name: string, value: string) =>
    (wanted.get(name)?.toLowerCase() ?? value.toLowerCase()) === value.toLowerCase()
  return (account: Account) =>
    (wanted.get('plan_id') ?? String(account.planId)) === String(account.planId) &&
    (wanted.get('location') ?? account.location) === account.location &&
    (wanted.get('billing') ?? billingOf(world, account)) === billingOf(world, account) &&
    (!bucketName || world.buckets.get(bucketName)?.s3uid === account.s3uid) &&
    matches('email', account.email)
}

const billingOf = (world: World, account: Account) => world.customers.get(account.customerId)?.billing

const printed = (world: World, account: Account): Required<User> => ({
  id: account.id,
  s3uid: account.s3uid,
  email: account.email,
  plan_id: account.planId,
  location: account.location,
  quota: account.quota,
  traffic: account.bandwidth,
  storage_usage: sizeOf(world, account)
})

const compared = (a: User[Sortable], b: User[Sortable]): number => {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : Number(String(a) > String(b))
}

const isDay = (text: string) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))
