import type { Account, Customer, Session, UnpaidOrder, World } from './world.ts'

type Plain<T> = { [K in keyof T]: T[K] extends Set<infer Item> ? Item[] : T[K] }

/** All that the sandbox knows at one moment, as plain data. */
export interface Snapshot {
  /** Milliseconds of the sandbox's clock. */
  now: number
  customers: Plain<Customer>[]
  sessions: Session[]
  accounts: Plain<Account>[]
  /** Each bucket with its paths and their sizes. */
  buckets: {
    name: string
    s3uid: string
    createdAt: string
    sizeBytes: number
    files: [path: string, size: number][]
  }[]
  unpaidOrders: UnpaidOrder[]
  /** Keys of the tasks that eq_callback.php still holds. */
  tasks: string[]
}

export const snapshotOf = (world: World): Snapshot =>
  structuredClone({
    now: world.now(),
    customers: [...world.customers.values()].map(customer => ({ ...customer, accounts: [...customer.accounts] })),
    sessions: [...world.sessions.values()],
    accounts: [...world.accounts.values()].map(account => ({ ...account, buckets: [...account.buckets] })),
    buckets: [...world.buckets.values()].map(({ name, s3uid, createdAt, sizeBytes, files }) => ({
      name,
      s3uid,
      createdAt,
      sizeBytes,
      files: [...files].map(([path, { size }]): [string, number] => [path, size])
    })),
    unpaidOrders: world.unpaidOrders,
    tasks: [...world.tasks.keys()]
  })

/** The same without secrets, for whoever asks over HTTP. */
export const withoutSecrets = (snapshot: Snapshot): unknown =>
  JSON.parse(
    JSON.stringify(snapshot, (name, value) =>
      /^(token|key|password|accessKey|secretKey|twoFactorCode)$/.test(name) ? '[masked]' : value
    )
  )
