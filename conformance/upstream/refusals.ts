import { randomBytes } from 'node:crypto'
import { getUsers } from '../../src/upstream/actions/accounts.ts'
import { getBuckets, getBucketsUsage } from '../../src/upstream/actions/buckets.ts'
import { getFiles } from '../../src/upstream/actions/files.ts'
import { history, listPlans } from '../../src/upstream/actions/plans.ts'
import { tokenInfo } from '../../src/upstream/actions/sessions.ts'
import type { Probe } from './index.ts'
import { words } from './judge.ts'
import { listIn } from './reads.ts'

/** The largest 32-bit integer: no plan has it. */
const NO_PLAN = 2_147_483_647

/** Provokes refusals by reading what does not exist, and compares their words with the declared ones. */
export const probeRefusals = async (
  { ask, judge, report }: Probe,
  s3uid: string | undefined,
  bucket: string | undefined
) => {
  const nobody = `s3_user_${randomBytes(8).toString('hex')}`
  judge.refusal(history, 'of no plan', ['plan-not-found'], await ask(history, { id: NO_PLAN }))
  judge.refusal(getBuckets, 'of no account', ['account-not-found'], await ask(getBuckets, { s3uid: nobody }))
  judge.refusal(getBucketsUsage, 'of no account', ['account-not-found'], await ask(getBucketsUsage, { s3uid: nobody }))
  const ofNobody = await ask(getFiles, { s3uid: nobody, bucket_name: 'no-such-bucket', max_keys: 1 })
  judge.refusal(getFiles, 'of no account', ['account-not-found'], ofNobody)
  if (s3uid !== undefined) {
    const where = { s3uid, max_keys: 1 }
    const noBucket = await ask(getFiles, { ...where, bucket_name: `none-${randomBytes(8).toString('hex')}` })
    judge.refusal(getFiles, 'of no bucket', ['bucket-not-found', 'upstream-storage-error'], noBucket)
    if (bucket !== undefined) {
      const badToken = await ask(getFiles, { ...where, bucket_name: bucket, continuation_token: 'made-up' })
      judge.refusal(getFiles, 'of a made-up page', ['invalid-cursor', 'upstream-storage-error'], badToken)
    }
  }
  const { opened } = await ask(getUsers, { s3uid: nobody })
  const found = opened.kind === 'success' ? `${listIn(opened.payload, 's3_users').length} accounts` : opened.kind
  report.fact(
    'get_users for an s3uid that does not exist',
    opened.kind === 'refusal' ? `refusal: "${words(opened.text)}"` : found
  )
  await probeDeadToken({ ask, judge, report })
}

/** A made-up token: as near to an expired one as reading comes. */
const probeDeadToken = async ({ ask, judge, report }: Pick<Probe, 'ask' | 'judge' | 'report'>) => {
  const madeUp = randomBytes(16).toString('hex')
  for (const action of [listPlans, tokenInfo]) {
    const heard = await ask(action, {}, madeUp)
    judge.refusal(action, 'with a made-up token', ['invalid-token'], heard)
    const { opened, answer } = heard
    const how = opened.kind === 'refusal' ? `${opened.shape}: "${words(opened.text)}"` : opened.kind
    report.fact(`${action.name} with a token that is not valid`, `HTTP ${answer.status}, ${how}`)
  }
}
