import { refuse } from '../../../../src/sandbox/refusal.ts'
import { accountRule, rule } from '../../../../src/sandbox/rule.ts'
import { rules } from '../../../../src/sandbox/rules/index.ts'
import { createOrder } from '../../../../src/upstream/actions/accounts.ts'
import { deleteBucket, getBuckets } from '../../../../src/upstream/actions/buckets.ts'
import { history } from '../../../../src/upstream/actions/plans.ts'

export const right = accountRule(deleteBucket, ['s3uid', 'bucket_name'], ({ bucket_name }) =>
  bucket_name === 'full' ? refuse(deleteBucket, 'bucket-not-empty') : { message: 'Bucket deleted successfully' }
)

export const wrongShape = accountRule(getBuckets, ['s3uid'], () => ({ buckets: [] })) // TS2322

export const wrongMember = accountRule(getBuckets, ['s3uid'], () => ({ message: [{ title: 'photos' }] })) // TS2353

export const undeclaredRefusal = refuse(deleteBucket, 'bucket-exists') // TS2345

export const unknownNeed = rule(deleteBucket, ['bucketName'], () => ({ message: '' })) // TS2820

export const numberAsText = rule(history, ['id'], ({ id }) => ({ data: [{ details: id }] })) // TS2322

export const perhapsAbsent = rule(createOrder, ['plan_id'], ({ location }) => ({ s3uid: location })) // TS2322

export const { show_key, ...others } = rules

export const oneRuleMissing: typeof rules = others // TS2741
