import type { Call } from './calls.ts'
import type { Fault } from './faults.ts'
import { numberedPaths } from './fixture-files.ts'
import type { Runtime } from './runtime.ts'
import { openSession } from './sessions.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'
import { instantOf, putFile } from './storage.ts'
import { type Switches, setSwitches } from './switches.ts'
import type { Customer } from './world.ts'

/** The handle by which a test steers the sandbox and looks inside. */
export interface Control {
  /** Arms a fault. Faults of one action strike in the order in which they were set. */
  fault(fault: Fault): void
  /** Disarms all faults. */
  clearFaults(): void
  /** The faults that are still armed. */
  faults(): Fault[]
  set(switches: Partial<Switches>): void
  switches(): Switches
  /** Everything as at the start: state, clock, switches, faults, log. */
  reset(): void
  /** The last 10,000 calls, oldest first, tokens hashed and other secrets masked. */
  calls(): Call[]
  /** How often each action was called. */
  counters(): Record<string, number>
  /** Empties the log and the counters. */
  clearCalls(): void
  /** All that the sandbox knows, secrets included. */
  state(): Snapshot
  /** Ends every session. */
  expireSessions(): void
  /** Puts the clock forward. */
  advance(seconds: number): void
  /** Every secret that exists or ever existed here: tokens, API keys, passwords, both halves of key pairs. */
  secrets(): string[]
  /** A live token of a customer of the fixture: `demo`, `admin`, `other`, `storage-only`, `two-factor`. */
  tokenOf(name: string): string
  customer(name: string): Customer
  setCredit(name: string, cents: number): void
  /** Stores a file, which s3.php itself cannot. */
  putFile(bucket: string, path: string, size?: number): void
  /** Makes an empty bucket list so many numbered files, which take no memory; storing or deleting a file ends it. */
  numberFiles(bucket: string, count: number): void
}

/** @throws TypeError from any function: a name that does not exist. */
export const createControl = (runtime: Runtime): Control => {
  const { faults, log } = runtime
  const customer = (name: string) => {
    const found = [...runtime.world.customers.values()].find(customer => customer.name === name)
    if (!found) throw new TypeError(`no such customer: ${name}`)
    return found
  }
  return {
    fault: fault => faults.add(fault),
    clearFaults: () => faults.clear(),
    faults: () => faults.list(),
    set: switches => setSwitches(runtime.world.switches, switches),
    switches: () => ({ ...runtime.world.switches }),
    reset: () => runtime.reset(),
    calls: () => log.calls(),
    counters: () => log.counters(),
    clearCalls: () => log.clear(),
    state: () => snapshotOf(runtime.world),
    expireSessions: () => runtime.world.sessions.clear(),
    advance: seconds => runtime.advance(seconds * 1000),
    secrets: () => runtime.world.secrets.all(),
    tokenOf(name) {
      const { world } = runtime
      const { id } = customer(name)
      const token = world.secrets.token(name)
      const planted = world.sessions.get(token)
      const isLive = planted?.customerId === id && planted.expiresAt * 1000 > world.now()
      return isLive ? token : openSession(world, customer(name)).token
    },
    customer,
    setCredit(name, cents) {
      customer(name).creditCents = cents
    },
    putFile(bucketName, path, size = 1) {
      const bucket = runtime.world.buckets.get(bucketName)
      if (!bucket) throw new TypeError(`no such bucket: ${bucketName}`)
      putFile(bucket, path, size, instantOf(runtime.world))
    },
    numberFiles(bucketName, count) {
      const bucket = runtime.world.buckets.get(bucketName)
      if (!bucket) throw new TypeError(`no such bucket: ${bucketName}`)
      bucket.sorted = numberedPaths(count)
    }
  }
}
