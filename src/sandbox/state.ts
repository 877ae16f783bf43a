import type { Behaviours } from './behaviours.ts'
import type { Content } from './data-plane/content.ts'
import type { SecretSource } from './secrets.ts'

export interface ApiKey {
  readonly key: string
  active: boolean
  /** Addresses and networks that may use it; empty: any. */
  readonly ipAcl: string[]
}

export interface Customer {
  readonly id: number
  /** Name of this customer in tests and in the control. */
  readonly name: string
  readonly email: string
  readonly password: string
  readonly whmcsId: string
  readonly role: 'Customer' | 'Admin'
  readonly billing: string
  readonly servers: number[]
  readonly permissions: string[]
  readonly apiKeys: ApiKey[]
  /** Code of the second factor; undefined: none is required. */
  readonly twoFactorCode: string | undefined
  creditCents: number
  /** The `s3uid` of each account. */
  readonly accounts: Set<string>
}

export interface Session {
  readonly token: string
  readonly customerId: number
  /** Unix seconds. */
  expiresAt: number
  readonly boundIp: string | undefined
  twoFactorPending: boolean
}

export interface Plan {
  readonly id: number
  readonly name: string
  readonly quota: number
  readonly active: boolean
  readonly locations: readonly string[]
  readonly monthlyRub: number
  readonly monthlyEur: number
  readonly monthlyUsd: number
  readonly storageType: string
  readonly bandwidthLimit: number
}

export interface PlanEvent {
  readonly id: number
  readonly planId: number
  readonly action: string
  readonly date: string
  readonly details: string
}

export interface UsageSnapshot {
  readonly bandwidth: number
  readonly storage: number
  readonly createdAt: string
}

export interface Account {
  readonly id: number
  readonly s3uid: string
  readonly customerId: number
  readonly email: string
  readonly planId: number
  readonly location: string
  readonly quota: number
  accessKey: string
  secretKey: string
  readonly paid: boolean
  cancelDate: string | undefined
  bandwidth: number
  readonly snapshots: UsageSnapshot[]
  /** Names of its buckets, oldest first. */
  readonly buckets: Set<string>
  /** Number of lists that still omit it. */
  listsUntilVisible: number
}

export interface StoredFile {
  readonly size: number
  readonly modifiedAt: string
  /** Of an uploaded file. */
  readonly object?: StoredObject | undefined
}

/** What the storage keeps of an upload. */
export interface StoredObject {
  readonly content: Content
  /** May anyone read it? */
  readonly isPublic: boolean
  /** Headers of its downloads. */
  readonly headers: Readonly<Record<string, string>>
}

/** Sorted paths, which may be computed on demand. */
export interface Paths {
  readonly length: number
  at(index: number): string | undefined
}

export interface Bucket {
  readonly name: string
  readonly s3uid: string
  readonly createdAt: string
  /** Its files by path. Empty for numbered files, which exist only in `sorted`. */
  readonly files: Map<string, StoredFile>
  sizeBytes: number
  /** The paths in UTF-8 byte order; undefined until the first list. */
  sorted: Paths | undefined
  /** Number of lists that still omit it. */
  listsUntilVisible: number
}

export interface Task {
  readonly key: string
  /** Milliseconds of the sandbox's clock; Infinity: never. */
  readonly readyAt: number
  readonly context: Readonly<Record<string, unknown>>
}

/** Where the next page of files begins; valid for one bucket and search. */
export interface CursorPosition {
  readonly bucket: string
  readonly search: string
  /** Last path or folder of the previous page. */
  readonly after: string
}

export interface UnpaidOrder {
  readonly customerId: number
  readonly planId: number
  readonly bucketName: string
  readonly location: string
}

/** The data of the simulated HOSTKEY. */
export interface State {
  readonly secrets: SecretSource
  readonly behaviours: Behaviours
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly customers: Map<number, Customer>
  readonly sessions: Map<string, Session>
  readonly plans: Map<number, Plan>
  readonly planEvents: PlanEvent[]
  readonly accounts: Map<string, Account>
  readonly buckets: Map<string, Bucket>
  readonly tasks: Map<string, Task>
  readonly cursors: Map<string, CursorPosition>
  readonly unpaidOrders: UnpaidOrder[]
  /** The cursor of a position. A fixture may replace it. */
  cursorNameOf: (position: CursorPosition) => string
  nextAccountId: number
  nextSerial: number
}

/** Fills an empty state with initial data. */
export type Fixture = (state: State) => void
