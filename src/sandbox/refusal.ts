import type { FailurePattern } from '../upstream/actions/action.ts'
import { getBuckets } from '../upstream/actions/buckets.ts'

/** HOSTKEY says no: HTTP 200, `code` -1 and a text. */
export class Refusal {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/**
 * A refusal that the action declares, in its own words.
 * @param reason takes the place of the `...` at the end of the text.
 */
export const refuse = <const F extends Readonly<Record<string, FailurePattern>>>(
  action: { readonly failures: F },
  problem: keyof F & string,
  reason = '...'
): Refusal => new Refusal(textOf(action.failures, problem).replace(/\.\.\.$/, () => reason))

const textOf = <F extends Readonly<Record<string, FailurePattern>>>(failures: F, problem: keyof F & string): string => {
  const matches = failures[problem]
  if (!matches) throw new TypeError(`the action declares no failure ${problem}`)
  return matches.example
}

/** The account is absent, or another customer's: the same words for every action that takes an `s3uid` (assumed beyond get_buckets_rmq). */
export const noSuchAccount = (): Refusal => refuse(getBuckets, 'account-not-found')

/** No such action, or its fields are not as they should be. */
export const invalidRequest = (action: string): Refusal => new Refusal(`s3/${action}: invalid request`)
