import { isQuirk, type QuirkKind } from './php-variants.ts'

/** Faults that answer in the place of the script: nothing is applied. */
const insteadKinds = [
  'hang',
  'reset-before',
  'empty-500',
  'html-502',
  'html-503',
  'html-504',
  'throttled',
  'throttled-retry-after',
  'empty-200',
  'html-200',
  'redirect',
  'auth-failure',
  'refusal',
  'bare-error'
] as const

/** Faults that let the script do its work and then spoil the answer. */
const afterKinds = [
  'hang-after',
  'reset-after',
  'reset-mid-body',
  'stall-mid-body',
  'late-apply',
  'html-502-after',
  'truncated',
  'warning',
  'oversized'
] as const

/** Faults that go before everything else and let the rest happen. */
const openingKinds = ['latency', 'expire-sessions'] as const

export type InsteadKind = (typeof insteadKinds)[number]
export type AfterKind = (typeof afterKinds)[number]
export type OpeningKind = (typeof openingKinds)[number]
export type FaultKind = InsteadKind | AfterKind | OpeningKind | QuirkKind

export interface Fault {
  readonly kind: FaultKind
  /** Name of the action it is for; every action when there is none. */
  readonly action?: string
  /** It strikes so many calls; all of them when there is none. */
  readonly count?: number
  /** It lets so many matching calls pass first. */
  readonly after?: number
  /** Words of a `refusal`, or address of a `redirect`. */
  readonly text?: string
  /** Milliseconds of a `latency`, until a `late-apply`, or for `throttled-retry-after` (rounded up to seconds). */
  readonly ms?: number
}

/** What strikes one call: openings and quirks add up, and of the rest the first one set. */
export interface Strike {
  readonly openings: readonly Fault[]
  readonly main: (Fault & { readonly kind: InsteadKind | AfterKind }) | undefined
  readonly quirks: readonly QuirkKind[]
}

export interface Faults {
  /** @throws TypeError an unknown kind of fault. */
  add(fault: Fault): void
  clear(): void
  list(): Fault[]
  /** What strikes this call. */
  strike(action: string): Strike
}

const isOneOf = <K extends string>(kinds: readonly K[], kind: string): kind is K => kinds.some(known => known === kind)

/** Does it answer in the place of the script? */
export const isInstead = (kind: string): kind is InsteadKind => isOneOf(insteadKinds, kind)
const isAfter = (kind: string): kind is AfterKind => isOneOf(afterKinds, kind)
const isOpening = (kind: string): kind is OpeningKind => isOneOf(openingKinds, kind)

/** The faults of one sandbox. */
export const createFaults = (): Faults => {
  let armed: { fault: Fault; pass: number; left: number }[] = []
  return {
    add(fault) {
      const { kind, after = 0, count = Number.POSITIVE_INFINITY } = fault
      if (!isInstead(kind) && !isAfter(kind) && !isOpening(kind) && !isQuirk(kind)) {
        throw new TypeError(`no such fault: ${kind}`)
      }
      armed.push({ fault, pass: after, left: count })
    },
    clear() {
      armed = []
    },
    list: () =>
      armed.map(({ fault, left, pass }) => ({ ...fault, ...(Number.isFinite(left) && { count: left }), after: pass })),
    strike(action) {
      const openings: Fault[] = []
      const quirks: QuirkKind[] = []
      let main: Strike['main']
      for (const row of armed) {
        const { fault } = row
        const { kind } = fault
        if (fault.action !== undefined && fault.action !== action) continue
        if (row.pass > 0) {
          row.pass -= 1
          continue
        }
        if (isOpening(kind)) openings.push(fault)
        else if (isQuirk(kind)) quirks.push(kind)
        else if (main) continue
        else main = { ...fault, kind }
        row.left -= 1
      }
      armed = armed.filter(row => row.left > 0)
      return { openings, main, quirks }
    }
  }
}
