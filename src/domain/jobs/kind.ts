import type { Static, TSchema } from 'typebox'
import type { RequestContext } from '../../core/context.ts'
import type { JobItem } from '../../store/jobs.ts'

/** Whose job it is, and where. */
export interface JobTarget {
  readonly s3uid: string
  readonly bucket: string
}

/** A page of items. */
export interface FoundItems {
  readonly items: readonly FoundItem[]
  /** True when items may be missing although nothing failed. */
  readonly isPartial: boolean
}

export interface FoundItem {
  readonly key: string
  /** When it was last changed, milliseconds since 1970; undefined when that is not known. */
  readonly changedAt: number | undefined
}

/**
 * A kind of long work, declared once: what it works on, one step, and how a step can end. The engine does the rest: it
 * keeps the work, its credential and its results, repeats what may have been lost, waits for HOSTKEY, and reports.
 */
export interface JobKind<S extends TSchema = TSchema, V extends string = string> {
  readonly name: string
  /** The event of the audit log at its start, and when it ends or pauses. */
  readonly auditEvent: 'files.delete'
  readonly selection: S
  /** A selection, for the audit log. */
  describe(selection: Static<S>): string
  /** How a step can end; the last one when it failed. */
  readonly verdicts: readonly V[]
  readonly failed: V
  /**
   * Lists what is selected, in constant memory; undefined when the selection names its items.
   * @throws Problem
   */
  list(target: JobTarget, selection: Static<S>): ((context: RequestContext) => AsyncIterable<FoundItems>) | undefined
  /** Does the work for one item, once. It may have been done before: `wasSent`. @throws Problem */
  step(target: JobTarget, item: JobItem, context: RequestContext): Promise<V>
}

export const kindOf = (kinds: readonly JobKind[], { kind }: { kind: string }): JobKind => {
  const found = kinds.find(({ name }) => name === kind)
  if (found === undefined) throw new TypeError(`no kind of job is called ${kind}`)
  return found
}
