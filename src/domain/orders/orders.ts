import type { CreatedAccount, NewAccount } from '../../../schemas/accounts.ts'
import type { NewOrder, Order, OrderCheck } from '../../../schemas/orders.ts'
import { problems } from '../../../schemas/problems.ts'
import { bucketNameOrdered } from '../../../schemas/warnings.ts'
import type { Caller } from '../../core/caller.ts'
import { note, type RequestContext } from '../../core/context.ts'
import type { Links } from '../../core/links.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { Problem } from '../../core/problem.ts'
import { StoreUnavailable } from '../../store/index.ts'
import { createAccount, createOrder } from '../../upstream/actions/accounts.ts'
import { toCreatedAccount, warningsOf } from './created-account.ts'
import type { Entry, EntryState, Intent } from './ledger/entry.ts'
import { checkOffer, checkPrice } from './offers.ts'
import { maySee, orderKeyOf, tenantOf } from './order-key.ts'
import { createPlacement, type PlacementParts } from './placement.ts'
import { priceOf, toPlan } from './plans.ts'
import { provision } from './provisioning.ts'

/** Orders of paid accounts, and free accounts, which are created in the same way. */
export interface Orders {
  /** Checks everything and orders nothing. @throws Problem plan-not-orderable, location-not-offered, price-changed */
  check(context: RequestContext, requested: NewOrder): Promise<OrderCheck>
  /** Orders a paid account at most once for the key. @throws Problem of `check` and of `Placement.place` */
  place(
    context: RequestContext,
    idempotencyKey: string,
    requested: NewOrder
  ): Promise<{ order: Order; isReplayed: boolean }>
  /**
   * Creates a free account: at most once with a key; without one, by one POST that is never retried.
   * @throws Problem account-state-unknown while the outcome of the key is open; of the offer and of the action
   */
  createFreeAccount(
    context: RequestContext,
    idempotencyKey: string | undefined,
    requested: NewAccount
  ): Promise<{ account: CreatedAccount; isReplayed: boolean }>
  /** Was the key sent before? False while the ledger is down. @throws Problem of `Caller.identity` */
  isRepetition(context: RequestContext, action: Intent['action'], idempotencyKey: string): Promise<boolean>
  /** The accounts that a service with a list of accounts has ordered, which it may use too; none for other callers. */
  listOrderedBy(caller: Caller): Promise<ReadonlySet<string>>
  /** An order of the caller's customer, from the ledger alone. @throws Problem order-not-found */
  get(context: RequestContext, orderId: string): Promise<Order>
  /** Allows the same bucket name to be ordered again, once its account is deleted. Never rejects. */
  forgetAccount(context: RequestContext, s3uid: string): Promise<void>
}

export const createOrders = (parts: PlacementParts): Orders => {
  const { upstream, ledger, links } = parts
  const placement = createPlacement(parts)

  const checkPaid = async (context: RequestContext, requested: NewOrder) => {
    const offer = await checkOffer(upstream, 'paid', requested, context)
    checkPrice(offer.plan, requested.expectedPrice)
    return offer
  }

  return {
    async check(context, requested) {
      const { plan, location } = await checkPaid(context, requested)
      const { bucketName } = requested
      const tenant = await tenantOf(context)
      const isOrdered = await ledger.isOrdered({ tenant, action: createOrder.name, bucketName })
      return {
        plan: toPlan(plan),
        price: optionalMembers(priceOf(plan)),
        location,
        locations: plan.locations ?? [],
        warnings: isOrdered ? [bucketNameOrdered] : []
      }
    },

    async place(context, idempotencyKey, requested) {
      const key = await orderKeyOf('create_order', idempotencyKey, requested, context)
      const checkRequest = async () => {
        const { location } = await checkPaid(context, requested)
        return { planId: requested.planId, bucketName: requested.bucketName, location }
      }
      const request = { action: createOrder, key, check: checkRequest }
      const { entry, isReplayed } = await placement.place(request, context)
      return { order: toOrder(entry, links), isReplayed }
    },

    async createFreeAccount(context, idempotencyKey, requested) {
      const { caller } = context
      const checkRequest = async () => {
        const { location } = await checkOffer(upstream, 'free', requested, context)
        return { planId: requested.planId, bucketName: requested.bucketName, location }
      }
      if (idempotencyKey === undefined) {
        const checked = await checkRequest()
        const created = await provision(parts, createAccount, checked, context)
        note(context, { s3uid: created.s3uid })
        // The account exists: a ledger that is down must not turn that into a failure.
        if (caller.authScheme === 'service') await ledger.addOrderedBy(caller.id, created.s3uid).catch(() => undefined)
        return { account: toCreatedAccount(created, checked), isReplayed: false }
      }
      const key = await orderKeyOf('create_account', idempotencyKey, requested, context)
      const request = { action: createAccount, key, check: checkRequest }
      const { entry, isReplayed } = await placement.place(request, context)
      if (entry.created) return { account: toCreatedAccount(entry.created, entry.intent.requested), isReplayed }
      throw new Problem(
        'account-state-unknown',
        'It is not known yet whether the account was created: send the same request with the same key.',
        { outcome: 'unknown', links: { order: links.order(entry.orderId) } }
      )
    },

    async isRepetition(context, action, idempotencyKey) {
      const key = await orderKeyOf(action, idempotencyKey, {}, context)
      try {
        return await ledger.isKnown(key)
      } catch (error) {
        if (error instanceof StoreUnavailable) return false
        throw error
      }
    },

    async listOrderedBy({ accounts, id, authScheme }) {
      // A token may use no account that its maker may not.
      if (accounts === undefined || authScheme !== 'service') return new Set()
      // While the ledger is down the accounts of the registry remain.
      return new Set(await ledger.listOrderedBy(id).catch((): string[] => []))
    },

    async get(context, orderId) {
      const entry = await ledger.find(await tenantOf(context), orderId)
      if (!entry || !maySee(context.caller, entry))
        throw new Problem('order-not-found', 'The customer has no such order.')
      return toOrder(entry, links)
    },

    // A ledger that is down forgets by itself within a day.
    forgetAccount: (context, s3uid) =>
      tenantOf(context)
        .then(tenant => ledger.forget(tenant, s3uid))
        .catch(() => undefined)
  }
}

/** The state of an order, by the state of its entry. */
export const states: Record<EntryState, Order['state']> = {
  claimed: 'pending',
  sent: 'pending',
  done: 'succeeded',
  failed: 'failed',
  unknown: 'unknown'
}

const toOrder = ({ orderId, state, intent, createdAt, created, problem }: Entry, links: Links): Order =>
  optionalMembers({
    orderId,
    state: states[state],
    ...intent.requested,
    createdAt: new Date(createdAt).toISOString(),
    ...(created && { s3uid: created.s3uid, bucket: created.bucket ?? null }),
    // Until it is done its bucket is looked for.
    warnings: created && state === 'done' ? warningsOf(created) : [],
    problem:
      created === undefined && problem && state !== 'sent'
        ? { name: problem.name, status: problems[problem.name].status, detail: problem.detail }
        : undefined,
    links: { self: links.order(orderId), ...(created && { account: links.account(created.s3uid) }) }
  })
