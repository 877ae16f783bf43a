import { type CallLog, createCallLog } from './calls.ts'
import { createFaults, type Faults } from './faults.ts'
import { createSecretSource, hexOf, type SecretSource } from './secrets.ts'
import { defaultSwitches, type Switches, setSwitches } from './switches.ts'
import type { Fixture, World } from './world.ts'

/** Everything that makes one sandbox, and nothing that another shares. */
export interface Runtime {
  readonly world: World
  readonly faults: Faults
  readonly log: CallLog
  /** Puts the clock forward. */
  advance(ms: number): void
  /** Everything as at the start. Secrets that were ever given out stay known. */
  reset(): void
}

export interface RuntimeOptions {
  /** Milliseconds. */
  readonly now: () => number
  readonly seed: string
  readonly fixture: Fixture
  readonly switches: Partial<Switches>
}

export const createRuntime = ({ now, seed, fixture, switches }: RuntimeOptions): Runtime => {
  const secrets = createSecretSource(seed)
  const faults = createFaults()
  const log = createCallLog()
  let advancedMs = 0
  const build = () => {
    const world = emptyWorld(secrets, () => now() + advancedMs)
    setSwitches(world.switches, switches)
    fixture(world)
    return world
  }
  let world = build()
  return {
    get world() {
      return world
    },
    faults,
    log,
    advance(ms) {
      advancedMs += ms
    },
    reset() {
      advancedMs = 0
      faults.clear()
      log.clear()
      world = build()
    }
  }
}

const emptyWorld = (secrets: SecretSource, now: () => number): World => ({
  secrets,
  switches: defaultSwitches(),
  now,
  customers: new Map(),
  sessions: new Map(),
  plans: new Map(),
  planEvents: [],
  accounts: new Map(),
  buckets: new Map(),
  tasks: new Map(),
  cursors: new Map(),
  unpaidOrders: [],
  nameCursor: ({ bucket, search, after }) => hexOf(JSON.stringify([bucket, search, after]), 24).toUpperCase(),
  nextAccountId: 1,
  nextSerial: 1
})
