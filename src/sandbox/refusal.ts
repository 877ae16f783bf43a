import type { FailurePattern } from '../upstream/actions/action.ts'
import { getBuckets } from '../upstream/actions/buckets.ts'

/** A refusal by HOSTKEY: `code` -1 and a text. */
export class Refusal {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/**
 * A refusal that the action declares, with the text of its example.
 * @param reason replaces a `...` at the end of the text
 * @throws TypeError the action does not declare the failure
 */
export const refuse = <const F extends Readonly<Record<string, FailurePattern>>>(
  action: { readonly failures: F },
  problem: keyof F & string,
  reason = '...'
): Refusal => new Refusal(textOf(action.failures, problem).replace(/\.\.\.$/, () => reason))

const textOf = <F extends Readonly<Record<string, FailurePattern>>>(failures: F, problem: keyof F & string): string => {
  const pattern = failures[problem]
  if (!pattern) throw new TypeError(`the action declares no failure ${problem}`)
  return pattern.example
}

/**
 * The account does not exist or belongs to another customer. Documented for get_buckets_rmq; assumed for every other
 * action that takes an `s3uid`.
 */
export const noSuchAccount = (): Refusal => refuse(getBuckets, 'account-not-found')

/** The action is unknown, or its fields are invalid. */
export const invalidRequest = (action: string): Refusal => new Refusal(`s3/${action}: invalid request`)
