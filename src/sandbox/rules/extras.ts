import { noSuchAccount, type Refusal } from '../refusal.ts'
import { accountFor, type Context } from '../rule.ts'
import type { Account } from '../world.ts'

/** A paid account lives on for so many days after its deletion was asked for. Assumed. */
const NOTICE_DAYS = 30

/** Actions that only other editions of the vendor's page name; every answer is assumed. Off unless `extraActions` is on. */
export const extraRules = {
  delete_payment_account: context =>
    withAccount(context, account => {
      account.cancelDate = new Date(context.world.now() + NOTICE_DAYS * 86_400_000).toISOString().slice(0, 10)
      return { message: { cancellation_date: account.cancelDate } }
    }),
  cancel_payment_account_deletion: context =>
    withAccount(context, account => {
      account.cancelDate = undefined
      return { message: null }
    }),
  get_available_locations: ({ world }) => {
    const plans = [...world.plans.values()].filter(plan => plan.active)
    return { locations: [...new Set(plans.flatMap(plan => plan.locations))] }
  }
} satisfies Record<string, (context: Context) => object | Refusal>

const withAccount = (context: Context, answer: (account: Account) => object): object | Refusal => {
  const account = accountFor(context)
  return account ? answer(account) : noSuchAccount()
}
