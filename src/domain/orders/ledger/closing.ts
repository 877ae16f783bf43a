import { CommandFault } from '../../../core/command-line.ts'
import { optionalMembers } from '../../../core/optional-members.ts'
import { type Entry, isTerminal } from './entry.ts'
import type { Ledger } from './ledger.ts'
import { closedAsFailed } from './recorded-problem.ts'

/** What an operator has found out about an order. */
export interface OperatorVerdict {
  as: 'succeeded' | 'failed'
  /** The account of an order that succeeded; needed unless HOSTKEY has reported it. */
  s3uid: string | undefined
  /** Actual name of its bucket; the requested one by default. */
  bucket: string | undefined
}

/**
 * Closes an order whose outcome is open, with what an operator has found out. A request that works on it meanwhile loses or
 * wins: whichever records first.
 * @throws CommandFault
 */
export const closeOrder = async (
  ledger: Ledger,
  orderId: string,
  { as, s3uid, bucket }: OperatorVerdict
): Promise<Entry> => {
  const orders = await ledger.list()
  const current = orders.find(({ entry }) => entry.orderId === orderId)
  if (!current) throw new CommandFault('The ledger has no such order.')
  const { entry } = current
  const { requested } = entry.intent
  if (isTerminal(entry)) {
    throw new CommandFault(`The order has ${entry.state === 'done' ? 'succeeded' : 'failed'} already.`)
  }
  const leftMs = await ledger.leaseLeftMs(orderId)
  if (leftMs > 0) {
    throw new CommandFault(`A request works on the order: try again in ${Math.ceil(leftMs / 1000)} s.`)
  }
  const reported = entry.created?.s3uid
  if (as === 'failed') {
    if (reported !== undefined)
      throw new CommandFault(`HOSTKEY has reported the account ${reported}: it has not failed.`)
    return recordOrFail({ state: 'failed', problem: closedAsFailed() })
  }
  const account = s3uid ?? reported
  if (account === undefined) throw new CommandFault('--s3uid names the account of the order.')
  if (reported !== undefined && account !== reported) {
    throw new CommandFault(`HOSTKEY has reported another account for the order: ${reported}.`)
  }
  const other = orders.find(({ entry: { created, orderId: id } }) => created?.s3uid === account && id !== orderId)
  if (other) throw new CommandFault(`${account} is the account of order ${other.entry.orderId}.`)
  return recordOrFail({
    state: 'done',
    created: optionalMembers({ s3uid: account, bucket: bucket ?? requested.bucketName })
  })

  async function recordOrFail(change: Partial<Entry>): Promise<Entry> {
    const next = current && (await ledger.record(current, change))
    if (!next) throw new CommandFault('The order has changed meanwhile: list it again.')
    return next.entry
  }
}
