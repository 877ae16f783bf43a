import type { CreatedAccount } from '../../../schemas/accounts.ts'
import { bucketUnconfirmed, type Warning } from '../../../schemas/warnings.ts'
import type { ProvisionedAccount, RequestedAccount } from './requested-account.ts'

/** A created account as the caller reads it, with a warning for what HOSTKEY reported or does not list yet. */
export const toCreatedAccount = (
  created: ProvisionedAccount,
  { planId, location }: RequestedAccount
): CreatedAccount => {
  const { s3uid, bucket = null } = created
  return { s3uid, planId, location, bucket, warnings: warningsOf(created) }
}

export const warningsOf = ({ bucket, error }: ProvisionedAccount): Warning[] => {
  if (error !== undefined) {
    const detail = `The account was created, but HOSTKEY reported: ${error}`
    return [{ code: 'account-created-with-error', detail }]
  }
  return bucket === undefined ? [bucketUnconfirmed] : []
}
