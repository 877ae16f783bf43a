import { randomBytes } from 'node:crypto'
import { getUsers } from '../../src/upstream/actions/accounts.ts'
import type { Action } from '../../src/upstream/actions/action.ts'
import { getBuckets, getBucketsUsage } from '../../src/upstream/actions/buckets.ts'
import { getFiles } from '../../src/upstream/actions/files.ts'
import { history, listPlans } from '../../src/upstream/actions/plans.ts'
import { tokenInfo } from '../../src/upstream/actions/sessions.ts'
import { cancelPaymentAccountDeletion } from '../../src/upstream/actions/terminations.ts'
import { redactWording } from './checks.ts'
import type { Probe } from './probe.ts'
import { listIn } from './reads.ts'

/** The largest 32-bit integer: no plan has this id. */
const UNKNOWN_PLAN = 2_147_483_647

/** Provokes refusals by reading missing things, and compares their texts with the declared ones. */
export const probeRefusals = async (
  { call, checks, report }: Probe,
  s3uid: string | undefined,
  bucket: string | undefined
) => {
  const unknown = `s3_user_${randomBytes(8).toString('hex')}`
  checks.refusal(history, 'of an unknown plan', ['plan-not-found'], await call(history, { id: UNKNOWN_PLAN }))
  for (const action of [getBuckets, getBucketsUsage]) {
    checks.refusal(action, 'of an unknown account', ['account-not-found'], await call(action, { s3uid: unknown }))
  }
  const ofUnknown = await call(getFiles, { s3uid: unknown, bucket_name: 'no-such-bucket', max_keys: 1 })
  checks.refusal(getFiles, 'of an unknown account', ['account-not-found'], ofUnknown)
  if (s3uid !== undefined) {
    const fields = { s3uid, max_keys: 1 }
    const noBucket = await call(getFiles, { ...fields, bucket_name: `none-${randomBytes(8).toString('hex')}` })
    checks.refusal(getFiles, 'of an unknown bucket', ['bucket-not-found', 'upstream-storage-error'], noBucket)
    if (bucket !== undefined) {
      const badToken = await call(getFiles, { ...fields, bucket_name: bucket, continuation_token: 'invalid' })
      checks.refusal(getFiles, 'of an invalid cursor', ['invalid-cursor', 'upstream-storage-error'], badToken)
    }
  }
  const { envelope } = await call(getUsers, { s3uid: unknown })
  const found = envelope.kind === 'success' ? `${listIn(envelope.payload, 's3_users').length} accounts` : envelope.kind
  report.fact(
    'get_users for an unknown s3uid',
    envelope.kind === 'refusal' ? `refusal: "${redactWording(envelope.text)}"` : found
  )
  await probeInvalidToken({ call, checks, report })
  await probeTerminations({ call, report })
}

/**
 * Is an action known that no read shows? It is sent with an invented token and without an account, so nothing can come of
 * it, and compared with an invented action.
 */
const probeTerminations = async ({ call, report }: Pick<Probe, 'call' | 'report'>) => {
  const invented = randomBytes(16).toString('hex')
  const refusalOf = async (action: Action): Promise<string> => {
    const { envelope, response } = await call(action, {}, invented)
    return `HTTP ${response.status} ${envelope.kind === 'refusal' ? envelope.text.replaceAll(action.name, 'action') : ''}`
  }
  const unknown = await refusalOf({ ...cancelPaymentAccountDeletion, name: 'no_such_action' })
  const seen = await refusalOf(cancelPaymentAccountDeletion)
  const isTokenFirst = /token|hash|HTTP 401/i.test(unknown)
  report.fact(
    'does cancel_payment_account_deletion exist',
    seen !== unknown
      ? 'yes'
      : isTokenFirst
        ? 'not known: the token is refused first'
        : 'no: refused like an invented action'
  )
}

/** Sends an invented token. A read-only run cannot produce an expired one. */
const probeInvalidToken = async ({ call, checks, report }: Pick<Probe, 'call' | 'checks' | 'report'>) => {
  const invented = randomBytes(16).toString('hex')
  for (const action of [listPlans, tokenInfo]) {
    const result = await call(action, {}, invented)
    checks.refusal(action, 'with an invalid token', ['invalid-token'], result)
    const { envelope, response } = result
    const seen = envelope.kind === 'refusal' ? `${envelope.shape}: "${redactWording(envelope.text)}"` : envelope.kind
    report.fact(`${action.name} with an invalid token`, `HTTP ${response.status}, ${seen}`)
  }
}
