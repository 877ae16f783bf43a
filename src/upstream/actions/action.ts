import { type Static, type TObject, type TProperties, Type } from 'typebox'
import type { Outcome, ProblemName } from '../../../schemas/problems.ts'

/**
 * What a call does at HOSTKEY; decides its call class and when it may be repeated.
 * `read` · `async-read`: a read that HOSTKEY queues · `secret`: a read of a credential · `write`: creates or deletes a
 * bucket or a file · `provision`: creates or deletes an account, may bill, is never repeated · `login`: auth.php ·
 * `token-lookup`, `order-identity`: a read of auth.php, for any request or for an order.
 */
export type Effect =
  | 'read'
  | 'async-read'
  | 'secret'
  | 'write'
  | 'provision'
  | 'login'
  | 'token-lookup'
  | 'order-identity'

/**
 * Does the action change something at HOSTKEY? The gateway never aborts such a call once it is sent. A login is none: it
 * creates a token, which bills nothing and expires.
 */
export const isWrite = ({ effect }: Action): boolean => effect === 'write' || effect === 'provision'

/** 1 MiB: 100 listed files, the most that one reply lists, take less. */
export const MIB = 1024 * 1024

/** A number of bytes or of traffic. */
export const Amount = Type.Number({ minimum: 0 })

/** Recognises a text; a regular expression is one. */
export interface Wording {
  test(text: string): boolean
  /** Is the whole text made of the wording? Default for a regular expression: its match is the whole text. */
  covers?(text: string): boolean
}

/** Does a match of the wording explain the whole text? */
export const covers = (wording: Wording, text: string): boolean => {
  if (wording.covers) return wording.covers(text)
  return wording instanceof RegExp && wording.exec(text)?.[0].length === text.length
}

/** Matches all words, each after the one before. A single pattern `a.*b` takes quadratic time on long texts. */
export const inOrder = (...words: readonly RegExp[]): Wording => {
  /** What follows the words; undefined when one is missing, or does not follow at once where `isClose`. */
  const restAfter = (text: string, isClose: boolean): string | undefined => {
    let rest = text
    for (const word of words) {
      const found = word.exec(rest)
      if (!found || (isClose && found.index > 0)) return undefined
      rest = rest.slice(found.index + found[0].length)
      if (isClose) rest = rest.replace(/^ /, '')
    }
    return rest
  }
  return {
    test: text => restAfter(text, false) !== undefined,
    covers: text => restAfter(text, true) === ''
  }
}

/** Matches when one of the wordings matches. */
export const eitherOf = (...wordings: readonly Wording[]): Wording => ({
  test: text => wordings.some(wording => wording.test(text)),
  covers: text => wordings.some(wording => covers(wording, text))
})

/** One way in which HOSTKEY refuses an action. */
export interface FailurePattern {
  /** Matches the text of the refusal. */
  readonly wording: Wording
  /** A text that HOSTKEY gives or may give; documentation, sandbox and tests use it. */
  readonly example: string
  /** What became of the write after this refusal. */
  readonly outcome: Outcome
  /** True for a bare prefix: tried after the failures that all actions share, because its suffix may be one of them. */
  readonly last: boolean
}

/** A failure by its wording. @param example a text of the vendor page if there is one */
export const matches = (wording: Wording, example: string, outcome: Outcome = 'not-applied'): FailurePattern => ({
  wording,
  example,
  outcome,
  last: false
})

/** A failure by its prefix alone: tried last. */
export const matchesLast = (wording: Wording, example: string, outcome: Outcome = 'not-applied'): FailurePattern => ({
  ...matches(wording, example, outcome),
  last: true
})

export type Failures = { readonly [N in ProblemName]?: FailurePattern }

/** One operation of s3.php or auth.php. */
export interface Action<
  Name extends string = string,
  Params extends TObject = TObject,
  Payload extends TObject = TObject,
  F extends Failures = Failures
> {
  readonly name: Name
  readonly script: 's3.php' | 'auth.php'
  readonly effect: Effect
  /** The largest reply that is read, in bytes, before and after decompression. */
  readonly maxReplyBytes: number
  /** The form fields besides `action` and `token`. No other field is ever sent. */
  readonly params: Params
  /** The names of the params. */
  readonly fields: readonly string[]
  /** The successful answer without `result` and `action`. Open: HOSTKEY may add fields. */
  readonly result: Payload
  /** A success as the vendor page prints it. */
  readonly example: Static<Payload>
  /** The action's own failures. The first match wins, before the failures that all actions share. */
  readonly failures: F
  /** The refusals that HOSTKEY may report inside a success. */
  readonly refusalsInSuccess: readonly ProblemName[]
  /** Finds such a refusal. */
  readonly findRefusal: (result: Static<Payload>) => ProblemName | undefined
}

export type Params<A extends Action> = Static<A['params']>
export type Result<A extends Action> = Static<A['result']>

interface Declaration<Name, P extends TObject, R extends TObject, F, H extends ProblemName> {
  name: Name
  script?: 's3.php' | 'auth.php'
  effect: Effect
  maxReplyBytes?: number
  params: P
  result: R
  example: Static<R>
  /** A name that is no problem does not compile, also beside correct ones. */
  failures: F & { readonly [N in Exclude<keyof F, ProblemName>]: never }
  refusalsInSuccess?: readonly H[]
  findRefusal?: (result: Static<R>) => NoInfer<H> | undefined
}

/** Declares an action. */
export const action = <
  const Name extends string,
  P extends TObject<TProperties>,
  R extends TObject<TProperties>,
  const F extends Failures,
  const H extends ProblemName = never
>(
  declared: Declaration<Name, P, R, F, H>
): Action<Name, P, R, F> => ({
  script: 's3.php',
  maxReplyBytes: MIB,
  refusalsInSuccess: [],
  findRefusal: () => undefined,
  fields: Object.keys(declared.params.properties),
  ...declared
})
