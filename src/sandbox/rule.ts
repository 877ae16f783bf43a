import type { Action, Params, Result } from '../upstream/actions/action.ts'
import { type Fields, phpInteger } from './php.ts'
import { invalidRequest, noSuchAccount, type Refusal } from './refusal.ts'
import type { Account, Customer, State } from './state.ts'

/** What a rule works with: the state, the authenticated customer and the fields of the form. */
export interface RuleContext {
  readonly state: State
  readonly customer: Customer
  readonly fields: Fields
}

/** Answers one action after the token is accepted. */
export type Rule<A extends Action> = (context: RuleContext) => Result<A> | Refusal

/** A parsed parameter: a number where the action declares one, otherwise any text. */
type Parsed<T> = Exclude<T, undefined> extends number ? number : string

/** The parsed parameters of an action; the required ones are present. */
type ParsedParams<A extends Action, Required extends keyof Params<A>> = {
  readonly [K in Required]-?: Parsed<Params<A>[K]>
} & { readonly [K in Exclude<keyof Params<A>, Required>]?: Parsed<Params<A>[K]> }

/** Makes a rule. It refuses missing and ill-typed fields before it calls `answer`. */
export const rule =
  <A extends Action, const Required extends keyof Params<A> & string>(
    action: A,
    required: readonly Required[],
    answer: (params: ParsedParams<A, Required>, context: RuleContext) => Result<A> | Refusal
  ): Rule<A> =>
  context => {
    const params = parseParams(action, required, context.fields)
    // The cast is safe: `parseParams` checks every name and type of ParsedParams.
    return params ? answer(params as ParsedParams<A, Required>, context) : invalidRequest(action.name)
  }

/** Makes a rule for an action that takes an `s3uid`. It refuses another customer's account like a missing one. */
export const accountRule = <A extends Action, const Required extends keyof Params<A> & string>(
  action: A,
  required: readonly Required[],
  answer: (params: ParsedParams<A, Required>, account: Account, context: RuleContext) => Result<A> | Refusal
): Rule<A> =>
  rule(action, required, (params, context) => {
    const account = accountFor(context)
    return account ? answer(params, account, context) : noSuchAccount()
  })

/** The account that the request names, if the customer may see it. */
export const accountFor = ({ state, customer, fields }: RuleContext): Account | undefined => {
  const account = state.accounts.get(fields.get('s3uid') ?? '')
  return account && (account.customerId === customer.id || customer.role === 'Admin') ? account : undefined
}

const parseParams = (
  action: Action,
  required: readonly string[],
  fields: Fields
): Record<string, unknown> | undefined => {
  const params: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(action.params.properties)) {
    const text = fields.get(name) ?? ''
    const isInteger = 'type' in schema && schema.type === 'integer'
    const value = isInteger ? phpInteger(text) : text
    if (text !== '' && value === undefined) return undefined
    if (text === '' && required.includes(name)) return undefined
    if (text !== '') params[name] = value
  }
  return params
}
