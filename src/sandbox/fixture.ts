import { fillLogs, fillPictures } from './fixture-files.ts'
import { openSession } from './sessions.ts'
import type { Account, Customer, Fixture, Plan, State } from './state.ts'
import { addBucket, openAccount, putFile } from './storage.ts'

const GIB = 1024 ** 3

/** The free plan of the vendor page, a paid plan, a withdrawn plan, and a paid plan with two locations. */
export const plansOnOffer: readonly Plan[] = [
  planOf(1, 'Free Plan', { quota: 5 * GIB, locations: ['NL', 'DE'] }),
  planOf(2, 'Standard 250', { quota: 250 * GIB, monthlyRub: 490, monthlyEur: 4.9, monthlyUsd: 5.4 }),
  planOf(3, 'Cold 1000', {
    quota: 1000 * GIB,
    monthlyRub: 590,
    monthlyEur: 5.9,
    monthlyUsd: 6.4,
    active: false,
    storageType: 'cold'
  }),
  planOf(4, 'Standard 1000', {
    quota: 1000 * GIB,
    locations: ['NL', 'DE'],
    monthlyRub: 1490,
    monthlyEur: 14.9,
    monthlyUsd: 16.4
  })
]

function planOf(id: number, name: string, rest: Partial<Plan>): Plan {
  const free = { quota: 0, active: true, locations: ['NL'], monthlyRub: 0, monthlyEur: 0, monthlyUsd: 0 }
  return { id, name, ...free, storageType: 'standard', bandwidthLimit: 0, ...rest }
}

/** A second API key of the demo customer. Public: the same in every sandbox; examples log in with it. */
export const PUBLIC_API_KEY = '0123456789abcdef-fedcba9876543210'

/** The initial data of a sandbox. Only the secrets depend on the seed. */
export const standardFixture: Fixture = state => {
  for (const plan of plansOnOffer) state.plans.set(plan.id, plan)
  state.planEvents.push(
    { id: 1, planId: 1, action: 'update', date: '2023-10-27T10:00:00Z', details: 'Price updated' },
    { id: 2, planId: 2, action: 'create', date: '2023-10-01T12:00:00Z', details: 'Plan created' },
    { id: 3, planId: 2, action: 'update', date: '2023-10-28T10:00:00Z', details: 'Quota raised to 250 GiB' },
    { id: 4, planId: 3, action: 'update', date: '2023-10-29T10:00:00Z', details: 'Withdrawn' }
  )
  addCustomer(state, 1001, 'admin', { role: 'Admin', servers: [10], hasApiKey: true })
  const demo = addCustomer(state, 1002, 'demo', { servers: [12345], creditCents: 100_000, hasApiKey: true })
  demo.apiKeys.push({ key: PUBLIC_API_KEY, active: true, ipAcl: [] })
  const storageOnly = addCustomer(state, 1003, 'storage-only', { servers: [], hasApiKey: true })
  const twoFactor = addCustomer(state, 1004, 'two-factor', {
    servers: [12346],
    hasApiKey: true,
    twoFactorCode: '246813'
  })
  const other = addCustomer(state, 1005, 'other', { servers: [12347, 12348], creditCents: 300, hasApiKey: true })
  fillDemoAccount(state, addAccount(state, demo, 1, 2))
  putFile(addOldBucket(state, addAccount(state, other, 2, 2), 'other-bucket'), 'private.txt', 7, '2023-10-27T10:00:00Z')
  addOldBucket(state, addAccount(state, storageOnly, 3, 1), 'storage-only-bucket')
  addOldBucket(state, addAccount(state, twoFactor, 4, 2), 'two-factor-bucket')
  state.nextAccountId = 100
}

/** Adds a customer with a valid session. Its token depends only on the seed and the name. */
export const addCustomer = (
  state: State,
  id: number,
  name: string,
  {
    role = 'Customer',
    servers,
    creditCents = 0,
    hasApiKey = false,
    twoFactorCode
  }: {
    role?: Customer['role']
    servers: number[]
    creditCents?: number
    hasApiKey?: boolean
    twoFactorCode?: string
  }
): Customer => {
  const customer: Customer = {
    id,
    name,
    email: `${name}@example.com`,
    password: state.secrets.password(name),
    whmcsId: String(90_000 + id),
    role,
    billing: 'com',
    servers,
    permissions: ['s3/view', 's3/edit'],
    apiKeys: hasApiKey ? [{ key: state.secrets.apiKey(name), active: true, ipAcl: [] }] : [],
    twoFactorCode,
    creditCents,
    accounts: new Set()
  }
  state.customers.set(id, customer)
  openSession(state, customer, { name })
  return customer
}

const addAccount = (state: State, customer: Customer, id: number, planId: number): Account => {
  const plan = state.plans.get(planId)
  if (!plan) throw new TypeError(`the fixture has no plan ${planId}`)
  const account = openAccount(state, customer, plan, 'NL', id)
  account.bandwidth = 102_400
  account.listsUntilVisible = 0
  const snapshots = [128, 224, 352, 512, 1024].map((megabytes, day) => ({
    bandwidth: 20_480 * (day + 1),
    storage: megabytes * 1_000_000,
    createdAt: `2023-10-${23 + day}T10:00:00Z`
  }))
  account.snapshots.splice(0, 1, ...snapshots)
  return account
}

const addOldBucket = (state: State, account: Account, name: string) => {
  const bucket = addBucket(state, account, name, '2023-10-01T12:00:00Z')
  bucket.listsUntilVisible = 0
  return bucket
}

const fillDemoAccount = (state: State, account: Account): void => {
  fillPictures(addOldBucket(state, account, 'holiday-pictures'))
  addOldBucket(state, account, 'empty-bucket')
  fillLogs(addOldBucket(state, account, 'logs'))
}
