import { type ProblemName, problems } from './problems.ts'

/** What a refusal of HOSTKEY means, in our words: `detail` of the problem. HOSTKEY's own text is in `upstream`. */
const meanings: Partial<Record<ProblemName, string>> = {
  'account-not-found': 'HOSTKEY does not know this account, or it belongs to another customer.',
  'account-state-unknown': 'HOSTKEY created the account and then reported an error.',
  'api-key-login-unavailable': 'HOSTKEY does not accept API keys of customers without servers.',
  'bucket-exists': 'A bucket with this name exists already at HOSTKEY.',
  'bucket-not-empty': 'The bucket still contains files.',
  'bucket-not-found': 'HOSTKEY does not know this bucket.',
  'customer-not-found': 'HOSTKEY does not know this customer.',
  'file-not-found': 'HOSTKEY does not know this file.',
  forbidden: 'HOSTKEY does not allow this to the owner of the credential.',
  'invalid-bucket-name': 'HOSTKEY does not accept this bucket name.',
  'invalid-credentials': 'HOSTKEY does not accept the API key, or the e-mail address and the password.',
  'invalid-cursor': 'HOSTKEY does not accept the cursor.',
  'invalid-request': 'HOSTKEY does not accept this request.',
  'invalid-token': 'HOSTKEY does not accept the token.',
  'limit-reached': 'A limit of the plan or of the customer at HOSTKEY is reached.',
  'not-a-paid-account': 'HOSTKEY bills nothing for this account.',
  'not-offered-upstream': 'HOSTKEY does not offer this.',
  'payment-required': 'HOSTKEY requires a payment first: the credit is too low, or an invoice is open.',
  'plan-not-found': 'HOSTKEY does not know this plan.',
  'two-factor-required': 'HOSTKEY waits for the second factor.',
  'upstream-storage-error': 'The storage of HOSTKEY reported an error.',
  'upstream-throttled': 'HOSTKEY is busy and asks to wait.',
  'upstream-timeout': 'HOSTKEY reported a timeout.'
}

export const meaningOf = (name: ProblemName): string => meanings[name] ?? `HOSTKEY refused: ${problems[name].title}.`
