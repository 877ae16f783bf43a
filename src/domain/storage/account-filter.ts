import type { Static } from 'typebox'
import type { AccountField, AccountQuery } from '../../../schemas/accounts.ts'
import { optionalMembers } from '../../core/optional-members.ts'

/** The parameters by which HOSTKEY filters and sorts; the gateway itself filters by location. */
type Filter = Omit<Static<typeof AccountQuery>, 'location' | 'limit'>

/** HOSTKEY's names of the fields that a list is sorted by. */
const theirField: Record<AccountField, string> = {
  id: 'id',
  s3uid: 's3uid',
  email: 'email',
  planId: 'plan_id',
  location: 'location',
  quotaBytes: 'quota',
  storageBytes: 'storage_usage',
  traffic: 'traffic'
}

/** The parameters of get_users. Upstream's `order` is the field and `order_by` the direction: the confusion ends here. */
export const toFilter = (filter: Filter, limit: number | undefined) => {
  const { planId, s3uid, bucketName, sort, periodFrom, periodTo, customerId, email, billing } = filter
  const field = sort?.replace(/^-/, '') as AccountField | undefined
  return optionalMembers({
    id: customerId,
    plan_id: planId,
    s3uid,
    email,
    billing,
    bucket_name: bucketName,
    limit,
    order: field && theirField[field],
    order_by: sort === undefined ? undefined : sort.startsWith('-') ? ('DESC' as const) : ('ASC' as const),
    period_from: periodFrom,
    period_to: periodTo
  })
}
