import type { Action, Params, Result } from '../upstream/actions/action.ts'
import { type Fields, phpInteger } from './php.ts'
import { invalidRequest, noSuchAccount, type Refusal } from './refusal.ts'
import type { Account, Customer, World } from './world.ts'

/** What a rule works with: everything HOSTKEY knows, who asks, and what was sent. */
export interface Context {
  readonly world: World
  readonly customer: Customer
  readonly fields: Fields
}

/** How the sandbox answers one action, once the token is accepted. */
export type Rule<A extends Action> = (context: Context) => Result<A> | Refusal

/** A parameter as it arrives: a number where the action says so, otherwise any text. */
type Arrived<T> = Exclude<T, undefined> extends number ? number : string

/** The parameters of an action; those that HOSTKEY demands are there. */
type Given<A extends Action, Need extends keyof Params<A>> = {
  readonly [K in Need]-?: Arrived<Params<A>[K]>
} & { readonly [K in Exclude<keyof Params<A>, Need>]?: Arrived<Params<A>[K]> }

/** A rule for an action: fields that are missing or ill-typed are refused before `answer` is asked. */
export const rule =
  <A extends Action, const Need extends keyof Params<A> & string>(
    action: A,
    needs: readonly Need[],
    answer: (params: Given<A, Need>, context: Context) => Result<A> | Refusal
  ): Rule<A> =>
  context => {
    const params = arrived(action, needs, context.fields)
    // `arrived` has checked every name and type that Given promises.
    return params ? answer(params as Given<A, Need>, context) : invalidRequest(action.name)
  }

/** A rule for an action that takes an `s3uid`: somebody else's account is as good as none. */
export const accountRule = <A extends Action, const Need extends keyof Params<A> & string>(
  action: A,
  needs: readonly Need[],
  answer: (params: Given<A, Need>, account: Account, context: Context) => Result<A> | Refusal
): Rule<A> =>
  rule(action, needs, (params, context) => {
    const account = accountFor(context)
    return account ? answer(params, account, context) : noSuchAccount()
  })

/** The account that the request names, when the customer may see it. */
export const accountFor = ({ world, customer, fields }: Context): Account | undefined => {
  const account = world.accounts.get(fields.get('s3uid') ?? '')
  return account && (account.customerId === customer.id || customer.role === 'Admin') ? account : undefined
}

const arrived = (action: Action, needs: readonly string[], fields: Fields): Record<string, unknown> | undefined => {
  const params: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(action.params.properties)) {
    const text = fields.get(name) ?? ''
    const isInteger = 'type' in schema && schema.type === 'integer'
    const value = isInteger ? phpInteger(text) : text
    if (text !== '' && value === undefined) return undefined
    if (text === '' && needs.includes(name)) return undefined
    if (text !== '') params[name] = value
  }
  return params
}
