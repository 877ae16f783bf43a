import { isVariant, type VariantKind, variantKinds } from './php-variants.ts'

/** The script does not run; the fault replaces its response. */
const unexecutedKinds = [
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

/** The script runs; its response is lost or corrupted. */
const executedKinds = [
  'hang-after',
  'reset-after',
  'reset-mid-body',
  'stall-mid-body',
  'late-execution',
  'html-502-after',
  'truncated',
  'warning',
  'oversized'
] as const

/** Applied before everything else; the call then continues. */
const preliminaryKinds = ['latency', 'expire-sessions'] as const

/** Every kind of fault. */
export const faultKinds: readonly string[] = [
  ...preliminaryKinds,
  ...unexecutedKinds,
  ...executedKinds,
  ...variantKinds
]

type UnexecutedKind = (typeof unexecutedKinds)[number]
type ExecutedKind = (typeof executedKinds)[number]
type PreliminaryKind = (typeof preliminaryKinds)[number]
export type FaultKind = UnexecutedKind | ExecutedKind | PreliminaryKind | VariantKind

export interface Fault<Kind extends FaultKind = FaultKind> {
  readonly kind: Kind
  /** Name of the action that it applies to; every action by default. */
  readonly action?: string
  /** Number of calls that it applies to; unlimited by default. */
  readonly count?: number
  /** Number of matching calls that pass first; 0 by default. */
  readonly after?: number
  /** Text of a `refusal`, or address of a `redirect`. */
  readonly text?: string
  /** Milliseconds of a `latency`, until a `late-execution`, or for `throttled-retry-after` (rounded up to seconds). */
  readonly ms?: number
}

export type UnexecutedFault = Fault<UnexecutedKind>
export type ExecutedFault = Fault<ExecutedKind>

/** The faults of one call: all preliminary ones and variants, and the first of the others. */
export interface CallFaults {
  readonly preliminary: readonly Fault[]
  readonly main: UnexecutedFault | ExecutedFault | undefined
  readonly variants: readonly VariantKind[]
}

export interface Faults {
  /** @throws TypeError an unknown kind of fault */
  add(fault: Fault): void
  clear(): void
  list(): Fault[]
  /** The faults of this call, counted as used. */
  consume(action: string): CallFaults
}

const isOneOf = <K extends string>(kinds: readonly K[], kind: string): kind is K => kinds.some(known => known === kind)

export const isUnexecuted = (fault: Fault): fault is UnexecutedFault => isOneOf(unexecutedKinds, fault.kind)
const isExecuted = (fault: Fault): fault is ExecutedFault => isOneOf(executedKinds, fault.kind)

/** The faults of one sandbox. */
export const createFaults = (): Faults => {
  let armed: { fault: Fault; pass: number; left: number }[] = []
  return {
    add(fault) {
      const { kind, after = 0, count = Number.POSITIVE_INFINITY } = fault
      const isKnown = isUnexecuted(fault) || isExecuted(fault) || isOneOf(preliminaryKinds, kind) || isVariant(kind)
      if (!isKnown) throw new TypeError(`no such fault: ${kind}`)
      armed.push({ fault, pass: after, left: count })
    },
    clear() {
      armed = []
    },
    list: () =>
      armed.map(({ fault, left, pass }) => ({ ...fault, ...(Number.isFinite(left) && { count: left }), after: pass })),
    consume(action) {
      const preliminary: Fault[] = []
      const variants: VariantKind[] = []
      let main: CallFaults['main']
      for (const row of armed) {
        const { fault } = row
        if (fault.action !== undefined && fault.action !== action) continue
        if (row.pass > 0) {
          row.pass -= 1
          continue
        }
        if (isVariant(fault.kind)) variants.push(fault.kind)
        else if (!(isUnexecuted(fault) || isExecuted(fault))) preliminary.push(fault)
        else if (main) continue
        else main = fault
        row.left -= 1
      }
      armed = armed.filter(row => row.left > 0)
      return { preliminary, main, variants }
    }
  }
}
