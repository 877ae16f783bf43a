import type { Account, Customer, Session, State, UnpaidOrder } from './state.ts'

type Plain<T> = { [K in keyof T]: T[K] extends Set<infer Item> ? Item[] : T[K] }

/** The state of the sandbox at one instant, as plain data. Includes secrets. */
export interface Snapshot {
  /** Milliseconds of the sandbox's clock. */
  now: number
  customers: Plain<Customer>[]
  sessions: Session[]
  accounts: Plain<Account>[]
  /** Each bucket with the paths and sizes in bytes of its files. */
  buckets: {
    name: string
    s3uid: string
    createdAt: string
    sizeBytes: number
    files: [path: string, size: number][]
  }[]
  unpaidOrders: UnpaidOrder[]
  /** Keys of the tasks that eq_callback.php has not yet returned. */
  tasks: string[]
}

export const snapshotOf = (state: State): Snapshot =>
  structuredClone({
    now: state.now(),
    customers: [...state.customers.values()].map(customer => ({ ...customer, accounts: [...customer.accounts] })),
    sessions: [...state.sessions.values()],
    accounts: [...state.accounts.values()].map(account => ({ ...account, buckets: [...account.buckets] })),
    buckets: [...state.buckets.values()].map(({ name, s3uid, createdAt, sizeBytes, files }) => ({
      name,
      s3uid,
      createdAt,
      sizeBytes,
      files: [...files].map(([path, { size }]): [string, number] => [path, size])
    })),
    unpaidOrders: state.unpaidOrders,
    tasks: [...state.tasks.keys()]
  })

/** The same with secrets masked, for the HTTP control. */
export const maskSecrets = (snapshot: Snapshot): unknown =>
  JSON.parse(
    JSON.stringify(snapshot, (name, value) =>
      /^(token|key|password|accessKey|secretKey|twoFactorCode)$/.test(name) ? '[masked]' : value
    )
  )
