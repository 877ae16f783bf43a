import type { CreatedAccount } from '../../../schemas/accounts.ts'
import { bucketUnconfirmed, type Warning } from '../../../schemas/warnings.ts'
import type { ProvisionedAccount, RequestedAccount } from './requested-account.ts'

/** A created account as the caller reads it, with a warning for what HOSTKEY reported or does not list yet. */
export const toCreatedAccount = (
  { s3uid, bucket, error }: ProvisionedAccount,
  { planId, location }: RequestedAccount
): CreatedAccount => ({ s3uid, planId, location, bucket: bucket ?? null, warnings: warningsOf(bucket, error) })

const warningsOf = (bucket: string | undefined, error: string | undefined): Warning[] => {
  if (error !== undefined) {
    const detail = `The account was created, but HOSTKEY reported: ${error}`
    return [{ code: 'account-created-with-error', detail }]
  }
  return bucket === undefined ? [bucketUnconfirmed] : []
}
