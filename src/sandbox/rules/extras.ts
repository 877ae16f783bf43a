import { noSuchAccount, type Refusal } from '../refusal.ts'
import { accountFor, type RuleContext } from '../rule.ts'
import type { Account } from '../state.ts'

/** Days between the request to delete a paid account and its deletion. Assumed. */
const NOTICE_DAYS = 30

/** Actions that only other versions of the vendor page list; every reply is assumed. They exist when `extraActions` is on. */
export const extraRules = {
  delete_payment_account: context =>
    withAccount(context, account => {
      account.cancelDate = new Date(context.state.now() + NOTICE_DAYS * 86_400_000).toISOString().slice(0, 10)
      return { message: { cancellation_date: account.cancelDate } }
    }),
  cancel_payment_account_deletion: context =>
    withAccount(context, account => {
      account.cancelDate = undefined
      return { message: null }
    }),
  get_available_locations: ({ state }) => {
    const plans = [...state.plans.values()].filter(plan => plan.active)
    return { locations: [...new Set(plans.flatMap(plan => plan.locations))] }
  }
} satisfies Record<string, (context: RuleContext) => object | Refusal>

const withAccount = (context: RuleContext, answer: (account: Account) => object): object | Refusal => {
  const account = accountFor(context)
  return account ? answer(account) : noSuchAccount()
}
