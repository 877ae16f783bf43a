import { showKey } from '../../upstream/actions/keys.ts'
import { refuse } from '../refusal.ts'
import { accountRule } from '../rule.ts'

export const show_key = accountRule(showKey, ['s3uid', 's3_key'], ({ s3_key }, account) => {
  if (s3_key === 'access_key') return { key: account.accessKey }
  if (s3_key === 'secret_key') return { key: account.secretKey }
  return refuse(showKey, 'invalid-request')
})
