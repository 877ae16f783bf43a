import { type Behaviours, setBehaviours } from './behaviours.ts'
import type { Call } from './calls.ts'
import type { Fault } from './faults.ts'
import { numberedPaths } from './fixture-files.ts'
import type { Runtime } from './runtime.ts'
import { openSession } from './sessions.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'
import type { Customer } from './state.ts'
import { instantOf, putFile } from './storage.ts'

interface Login {
  readonly email: string
  readonly password: string
}

/** The credentials of the customer `demo`, and of one without servers. The token is valid for 24 h. */
export interface Demo extends Login {
  readonly token: string
  readonly apiKey: string
  readonly withoutServers: Login
}

/** Changes and inspects a running sandbox. */
export interface Control {
  /** Arms a fault. Faults of one action apply in the order in which they were added. */
  fault(fault: Fault): void
  /** Disarms all faults. */
  clearFaults(): void
  /** The faults that are still armed. */
  faults(): Fault[]
  setBehaviours(behaviours: Partial<Behaviours>): void
  behaviours(): Behaviours
  /** Restores the initial state, clock, behaviours, faults and log. */
  reset(): void
  /** The last 10,000 calls, oldest first; tokens hashed, other secrets masked. */
  calls(): Call[]
  /** Number of calls of each action. */
  counters(): Record<string, number>
  /** Empties the log and the counters. */
  clearCalls(): void
  /** A copy of the whole state, secrets included. */
  state(): Snapshot
  /** Ends every session. */
  expireSessions(): void
  /** Advances the clock. */
  advance(seconds: number): void
  /** Every secret issued so far: tokens, API keys, passwords, both keys of each key pair. */
  secrets(): string[]
  /** A valid token of a customer of the fixture: `demo`, `admin`, `other`, `storage-only`, `two-factor`. */
  tokenOf(name: string): string
  /** What the customers `demo` and `storage-only` log in with. */
  demo(): Demo
  customer(name: string): Customer
  setCredit(name: string, cents: number): void
  /** Replaces the key pair of an account. */
  rotateKeys(s3uid: string): void
  /** Stores a file; s3.php has no action for that. */
  putFile(bucket: string, path: string, size?: number): void
  /** Lists `count` numbered files in an empty bucket, without memory for each; storing or deleting a file ends it. */
  numberFiles(bucket: string, count: number): void
}

/** Each function throws TypeError for an unknown name or value. */
export const createControl = (runtime: Runtime): Control => {
  const { faults, log } = runtime
  const customer = (name: string) => {
    const found = [...runtime.state.customers.values()].find(customer => customer.name === name)
    if (!found) throw new TypeError(`no such customer: ${name}`)
    return found
  }
  const tokenOf = (name: string) => {
    const { state } = runtime
    const { id } = customer(name)
    const token = state.secrets.token(name)
    const session = state.sessions.get(token)
    const isValid = session?.customerId === id && session.expiresAt * 1000 > state.now()
    return isValid ? token : openSession(state, customer(name)).token
  }
  return {
    fault: fault => faults.add(fault),
    clearFaults: () => faults.clear(),
    faults: () => faults.list(),
    setBehaviours: behaviours => setBehaviours(runtime.state.behaviours, behaviours),
    behaviours: () => ({ ...runtime.state.behaviours }),
    reset: () => runtime.reset(),
    calls: () => log.calls(),
    counters: () => log.counters(),
    clearCalls: () => log.clear(),
    state: () => snapshotOf(runtime.state),
    expireSessions: () => runtime.state.sessions.clear(),
    advance: seconds => runtime.advance(seconds * 1000),
    secrets: () => runtime.state.secrets.all(),
    tokenOf,
    demo() {
      const { email, password, apiKeys } = customer('demo')
      const withoutServers = customer('storage-only')
      return {
        token: tokenOf('demo'),
        apiKey: apiKeys[0]?.key ?? '',
        email,
        password,
        withoutServers: { email: withoutServers.email, password: withoutServers.password }
      }
    },
    customer,
    setCredit(name, cents) {
      customer(name).creditCents = cents
    },
    rotateKeys(s3uid) {
      const { accounts, secrets } = runtime.state
      const account = accounts.get(s3uid)
      if (!account) throw new TypeError(`no such account: ${s3uid}`)
      const name = `${s3uid} after ${account.accessKey}`
      Object.assign(account, { accessKey: secrets.accessKey(name), secretKey: secrets.secretKey(name) })
    },
    putFile(bucketName, path, size = 1) {
      const bucket = runtime.state.buckets.get(bucketName)
      if (!bucket) throw new TypeError(`no such bucket: ${bucketName}`)
      putFile(bucket, path, size, instantOf(runtime.state))
    },
    numberFiles(bucketName, count) {
      const bucket = runtime.state.buckets.get(bucketName)
      if (!bucket) throw new TypeError(`no such bucket: ${bucketName}`)
      bucket.sorted = numberedPaths(count)
    }
  }
}
