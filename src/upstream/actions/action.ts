import type { Static, TObject, TProperties } from 'typebox'
import type { Outcome, ProblemName } from '../../../schemas/problems.ts'

/**
 * What a call does at HOSTKEY, and so how long it may take and whether it may be repeated.
 * `read` · `async-read`: a read that is put into a queue there · `secret`: a read of a credential ·
 * `write`: makes or deletes something small · `provision`: makes or ends an account, may bill, is never repeated ·
 * `login`: auth.php.
 */
export type Effect = 'read' | 'async-read' | 'secret' | 'write' | 'provision' | 'login'

/** Tells a text by its words; a regular expression is one. */
export interface Wording {
  test(text: string): boolean
}

/** Each of these somewhere behind the one before. As one pattern, `a.*b` takes time with the square of the text. */
export const inOrder = (...words: readonly RegExp[]): Wording => ({
  test(text) {
    let rest = text
    for (const word of words) {
      const found = word.exec(rest)
      if (!found) return false
      rest = rest.slice(found.index + found[0].length)
    }
    return true
  }
})

/** One of these. */
export const eitherOf = (...wordings: readonly Wording[]): Wording => ({
  test: text => wordings.some(wording => wording.test(text))
})

/** A way in which HOSTKEY says no. */
export interface FailurePattern {
  /** Matches the text of the refusal. */
  readonly wording: Wording
  /** A text that HOSTKEY gives or may give: documentation, sandbox and self-test use it. */
  readonly example: string
  /** What became of the write when HOSTKEY says this; `not-applied` unless it is known better. */
  readonly outcome: Outcome
  /** Tried only after the failures common to all actions: a prefix whose suffix says more. */
  readonly last: boolean
}

/** @param example a text of the vendor page where there is one. */
export const matches = (wording: Wording, example: string, outcome: Outcome = 'not-applied'): FailurePattern => ({
  wording,
  example,
  outcome,
  last: false
})

/** The same for a prefix alone: tried last, because what follows the prefix may be a failure that has a name. */
export const matchesLast = (wording: Wording, example: string, outcome: Outcome = 'not-applied'): FailurePattern => ({
  ...matches(wording, example, outcome),
  last: true
})

export type Failures = { readonly [N in ProblemName]?: FailurePattern }

/** One operation of s3.php or auth.php, declared once. */
export interface Action<
  Name extends string = string,
  Params extends TObject = TObject,
  Payload extends TObject = TObject,
  F extends Failures = Failures
> {
  readonly name: Name
  readonly script: 's3.php' | 'auth.php'
  readonly effect: Effect
  /** What is sent beside `action` and `token`: the keys are all that ever goes into the form. */
  readonly params: Params
  /** The success, without `result` and `action`. Open: HOSTKEY may add fields. */
  readonly result: Payload
  /** A success as the vendor page prints it. */
  readonly example: Static<Payload>
  /** How it refuses; the first that matches wins, before the failures common to all. */
  readonly failures: F
  /** The refusals that can hide inside a success. */
  readonly hides: readonly ProblemName[]
  /** The one that hides in this success. */
  readonly hidden: (result: Static<Payload>) => ProblemName | undefined
}

export type Params<A extends Action> = Static<A['params']>
export type Result<A extends Action> = Static<A['result']>

interface Declaration<Name, P extends TObject, R extends TObject, F, H extends ProblemName> {
  name: Name
  script?: 's3.php' | 'auth.php'
  effect: Effect
  params: P
  result: R
  example: Static<R>
  failures: F
  hides?: readonly H[]
  hidden?: (result: Static<R>) => NoInfer<H> | undefined
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
): Action<Name, P, R, F> => ({ script: 's3.php', hides: [], hidden: () => undefined, ...declared })
