import type { SecretSource } from './secrets.ts'
import type { Switches } from './switches.ts'

export interface ApiKey {
  readonly key: string
  active: boolean
  /** Addresses and networks that may use it; empty: all. */
  readonly ipAcl: string[]
}

export interface Customer {
  readonly id: number
  /** The name by which tests and `control` call this customer. */
  readonly name: string
  readonly email: string
  readonly password: string
  readonly whmcsId: string
  readonly role: 'Customer' | 'Admin'
  readonly billing: string
  readonly servers: number[]
  readonly permissions: string[]
  readonly apiKeys: ApiKey[]
  /** Code of the second factor. */
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

export interface Snapshot {
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
  readonly accessKey: string
  readonly secretKey: string
  readonly paid: boolean
  cancelDate: string | undefined
  bandwidth: number
  readonly snapshots: Snapshot[]
  /** Names of its buckets, oldest first. */
  readonly buckets: Set<string>
  /** So many lists do not show it yet. */
  unseen: number
}

export interface StoredFile {
  readonly size: number
  readonly modifiedAt: string
}

/** Paths in their order, which need not be in memory. */
export interface Paths {
  readonly length: number
  at(index: number): string | undefined
}

export interface Bucket {
  readonly name: string
  readonly s3uid: string
  readonly createdAt: string
  /** Its files by path; a numbered bucket has them in `sorted` alone. */
  readonly files: Map<string, StoredFile>
  sizeBytes: number
  /** The paths by their UTF-8 bytes; undefined until somebody asks. */
  sorted: Paths | undefined
  /** So many lists do not show it yet. */
  unseen: number
}

export interface Task {
  readonly key: string
  /** Milliseconds of the sandbox's clock; Infinity for a task that never ends. */
  readonly readyAt: number
  readonly context: Readonly<Record<string, unknown>>
}

/** Where a page of files goes on, bound to its bucket and search. */
export interface CursorPosition {
  readonly bucket: string
  readonly search: string
  /** The last path or folder of the page before. */
  readonly after: string
}

export interface UnpaidOrder {
  readonly customerId: number
  readonly planId: number
  readonly bucketName: string
  readonly location: string
}

/** All that the pretend HOSTKEY knows. */
export interface World {
  readonly secrets: SecretSource
  readonly switches: Switches
  /** Milliseconds. */
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
  /** Names the cursor for a position. */
  nameCursor: (position: CursorPosition) => string
  nextAccountId: number
  nextSerial: number
}

/** Fills an empty world. */
export type Fixture = (world: World) => void
