import type { statusOf } from './generated/problems.ts'
import type { components } from './generated/schema.ts'

/** The names of all problems that this version of the client knows. */
type ProblemName = keyof typeof statusOf

/** What is wrong with a field: `code` of a fault. */
export type FaultCode = NonNullable<components['schemas']['Problem']['errors']>[number]['code']

/** Sentences for the people who use a product: one for each problem, and one for each fault of a field. */
export interface Messages {
  readonly problems: Readonly<Record<ProblemName | 'unknown-problem', string>>
  readonly fields: Readonly<Record<FaultCode, string>>
}

const TRY_LATER = 'The storage service does not answer at the moment. Please try again later.'
const CHECK_FIRST =
  'The storage service gave no clear answer. Please check whether the change was made before you try again.'
const TELL_SUPPORT = 'Something went wrong. Please contact support.'
const LOG_IN = 'Please log in again.'

/** English. `createClient({ messages })` replaces them, one by one or all. */
export const messages: Messages = {
  problems: {
    'invalid-request': 'Some of the input is not valid. Please check it.',
    'malformed-url': TELL_SUPPORT,
    'file-path-required': 'Please choose a file.',
    'file-path-encoding': 'The name of the file is not valid.',
    'invalid-cursor': 'The list has changed. Please load it again.',
    'idempotency-key-required': TELL_SUPPORT,
    unauthenticated: 'Please log in.',
    'session-expired': 'Your session has ended. Please log in again.',
    'invalid-token': LOG_IN,
    'invalid-credentials': 'The login data is not correct.',
    'payment-required': 'The credit is too low, or an invoice is not paid. Nothing was ordered.',
    forbidden: 'You are not allowed to do this.',
    'csrf-rejected': 'The request was refused for your safety. Please load the page again.',
    'https-required': 'Login works only over a secure connection (https).',
    'insufficient-scope': 'You are not allowed to do this.',
    'scope-exceeds-caller': 'You cannot give more rights than you have.',
    'token-not-found': 'This access has ended already.',
    'session-not-found': 'This login has ended already.',
    'too-many-tokens': 'There are too many accesses: end those that are not needed.',
    'switched-off': 'This function is switched off.',
    'api-key-login-unavailable': 'Please log in with your e-mail address and password.',
    'two-factor-required': 'A second factor is needed to log in.',
    'route-not-found': TELL_SUPPORT,
    'account-not-found': 'The storage account does not exist.',
    'bucket-not-found': 'The bucket does not exist.',
    'file-not-found': 'The file does not exist.',
    'plan-not-found': 'The plan does not exist.',
    'customer-not-found': 'The customer does not exist.',
    'job-not-found': 'The task does not exist.',
    'order-not-found': 'The order does not exist.',
    'method-not-allowed': TELL_SUPPORT,
    'not-acceptable': TELL_SUPPORT,
    'bucket-exists': 'This bucket name is taken. Please choose another one.',
    'bucket-not-empty': 'The bucket still contains files. Delete them first.',
    'job-running': 'Another task works on this bucket. Please wait until it has ended.',
    'job-not-resumable': 'The task cannot be continued.',
    'not-a-paid-account': 'The account is not a paid one.',
    'limit-reached': 'The limit of your plan is reached.',
    'idempotency-in-progress': 'Your request is still being worked on. Please wait.',
    'price-changed': 'The price has changed. Nothing was ordered.',
    'probable-duplicate-order': 'This bucket name was ordered a short time ago. Nothing was ordered again.',
    'confirmation-mismatch': 'The name that you entered to confirm is not correct.',
    'body-too-large': 'The input is too large.',
    'uri-too-long': 'The input is too long.',
    'unsupported-media-type': TELL_SUPPORT,
    'plan-not-orderable': 'This plan cannot be ordered.',
    'location-not-offered': 'The plan is not available at this location.',
    'invalid-bucket-name': 'This bucket name is not allowed. Use 3 to 53 lowercase letters, digits and hyphens.',
    'path-not-presignable': 'A file with this name cannot be transferred.',
    'idempotency-key-reused': TELL_SUPPORT,
    'confirmation-required': 'Please confirm the deletion.',
    'rate-limited': 'Too many requests. Please wait a moment.',
    'headers-too-large': TELL_SUPPORT,
    internal: TELL_SUPPORT,
    'endpoint-not-configured': 'Files of this account cannot be transferred here.',
    'not-offered-upstream': 'This function is not available. Please contact support.',
    'upstream-refused': 'The storage service refused the request. Please contact support.',
    'upstream-bad-response': CHECK_FIRST,
    'upstream-unreachable': TRY_LATER,
    'upstream-storage-error': CHECK_FIRST,
    'account-state-unknown': CHECK_FIRST,
    overloaded: 'The service is busy. Please try again in a moment.',
    'upstream-unavailable': TRY_LATER,
    'store-unavailable': 'The service is not available at the moment. Please try again in a moment.',
    'upstream-throttled': 'The storage service is busy. Please try again in a moment.',
    draining: 'The service restarts. Please try again.',
    'upstream-timeout': CHECK_FIRST,
    'unknown-problem': TELL_SUPPORT
  },
  fields: {
    missing: 'Please fill in this field.',
    'unknown-member': 'This field is not known.',
    'wrong-type': 'This value has the wrong kind.',
    'too-short': 'This value is too short.',
    'too-long': 'This value is too long.',
    'too-small': 'This value is too small.',
    'too-large': 'This value is too large.',
    'too-few': 'Please add more entries.',
    'too-many': 'There are too many entries.',
    pattern: 'This value has characters or a form that is not allowed.',
    'not-listed': 'Please choose one of the offered values.',
    'one-of': 'Please fill in exactly one of the choices.',
    repeated: 'This value is given twice.',
    mismatch: 'This value does not match.',
    'not-allowed': 'This value is not allowed here.',
    unreadable: 'This value cannot be read.'
  }
}

/** A partial translation, completed with English. */
export interface PartialMessages {
  readonly problems?: Partial<Messages['problems']>
  readonly fields?: Partial<Messages['fields']>
}

export const completed = ({ problems, fields }: PartialMessages = {}): Messages => ({
  problems: { ...messages.problems, ...problems },
  fields: { ...messages.fields, ...fields }
})
