import type { CreatedAccount } from '../../../schemas/accounts.ts'
import { bucketUnconfirmed, type Warning } from '../../../schemas/warnings.ts'
import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Deps } from '../../http/route.ts'
import { orderKeyOf } from './order-key.ts'
import { type Made, type Purchase, purchase, type Wanted } from './provisioning.ts'

/** A free account that is to be made. */
export interface Creation {
  how: Purchase
  idempotencyKey: string | undefined
  /** What a repetition under the same key must repeat. */
  body: object
  /** What is wanted, after everything that can be refused without sending. */
  check: () => Promise<Wanted>
}

/**
 * Makes a free account: with a key at most once, whatever breaks; without, by one POST that is never repeated.
 * @throws Problem account-state-unknown while nobody can tell whether the key has made one; of the check and the purchase
 */
export const createdAccount = async (
  { ordering, mount }: Pick<Deps, 'ordering' | 'mount'>,
  { how, idempotencyKey, body, check }: Creation,
  context: RequestContext
) => {
  if (idempotencyKey === undefined) {
    const wanted = await check()
    return { made: await purchase(how, wanted, context), wanted, isReplayed: false }
  }
  const key = await orderKeyOf('create_account', idempotencyKey, body, context)
  const { entry, isReplayed } = await ordering.place(how, key, check, context)
  if (entry.made) return { made: entry.made, wanted: entry.intent.wanted, isReplayed }
  throw new Problem(
    'account-state-unknown',
    'Whether the account was made is not known yet: send the same request with the same key.',
    { outcome: 'unknown', links: { order: `${mount}/orders/${entry.orderId}` } }
  )
}

/** A made account as the caller sees it, with a warning for what HOSTKEY reported or did not show. */
export const toCreatedAccount = ({ s3uid, bucket, error }: Made, { planId, location }: Wanted): CreatedAccount => {
  const warnings: Warning[] = []
  if (error !== undefined) {
    warnings.push({
      code: 'account-created-with-error',
      detail: `The account was made, but HOSTKEY reported: ${error}`
    })
  } else if (bucket === undefined) {
    warnings.push(bucketUnconfirmed)
  }
  return { s3uid, planId, location, bucket: bucket ?? null, warnings }
}
