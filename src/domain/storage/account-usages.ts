import type { Usage } from '../../../schemas/usage.ts'
import type { RequestContext } from '../../core/context.ts'
import type { Accounts } from './accounts.ts'

/** What is known of the usage of the accounts, each in the order of their list. */
export interface AccountUsages {
  known: { s3uid: string; usage: Usage }[]
  failed: { s3uid: string; error: unknown }[]
  /** Are there more than 100 accounts? */
  truncated: boolean
}

const MAX_ACCOUNTS = 100
/** Calls at the same time. */
const PARALLEL = 8

/** Reads the usage of each account of the caller; one that fails leaves the others. @throws Problem of get_users */
export const readAccountUsages = async (accounts: Accounts, context: RequestContext): Promise<AccountUsages> => {
  const { items } = await accounts.list(context, { limit: MAX_ACCOUNTS + 1 })
  const names = items.slice(0, MAX_ACCOUNTS).map(({ s3uid }) => s3uid)
  const results = new Map<string, { usage: Usage } | { error: unknown }>()
  const waiting = [...names]
  const work = async () => {
    for (let s3uid = waiting.shift(); s3uid !== undefined; s3uid = waiting.shift()) {
      const result = await accounts.getUsage(context, s3uid).then(
        usage => ({ usage }),
        (error: unknown) => ({ error })
      )
      results.set(s3uid, result)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  const read = names.flatMap(s3uid => {
    const result = results.get(s3uid)
    return result ? [{ s3uid, ...result }] : []
  })
  return {
    known: read.filter(each => 'usage' in each),
    failed: read.filter(each => 'error' in each),
    truncated: items.length > MAX_ACCOUNTS
  }
}
