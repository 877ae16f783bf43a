import { type Behaviours, defaultBehaviours, setBehaviours } from './behaviours.ts'
import { type CallLog, createCallLog } from './calls.ts'
import { createFaults, type Faults } from './faults.ts'
import { createSecretSource, hexOf, type SecretSource } from './secrets.ts'
import type { Fixture, State } from './state.ts'

/** The parts of one sandbox; sandboxes share nothing. */
export interface Runtime {
  readonly state: State
  readonly faults: Faults
  readonly log: CallLog
  /** Advances the clock. */
  advance(ms: number): void
  /** Restores the initial state, clock, faults and log. The list of issued secrets is kept. */
  reset(): void
}

export interface RuntimeOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly seed: string
  readonly fixture: Fixture
  readonly behaviours: Partial<Behaviours>
}

export const createRuntime = ({ now, seed, fixture, behaviours }: RuntimeOptions): Runtime => {
  const secrets = createSecretSource(seed)
  const faults = createFaults()
  const log = createCallLog()
  let advancedMs = 0
  const build = () => {
    const state = emptyState(secrets, () => now() + advancedMs)
    setBehaviours(state.behaviours, behaviours)
    fixture(state)
    return state
  }
  let state = build()
  return {
    get state() {
      return state
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
      state = build()
    }
  }
}

const emptyState = (secrets: SecretSource, now: () => number): State => ({
  secrets,
  behaviours: defaultBehaviours(),
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
  cursorNameOf: ({ bucket, search, after }) => hexOf(JSON.stringify([bucket, search, after]), 24).toUpperCase(),
  nextAccountId: 1,
  nextSerial: 1
})
