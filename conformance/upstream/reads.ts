import { getUsers } from '../../src/upstream/actions/accounts.ts'
import { getBuckets, getBucketsUsage } from '../../src/upstream/actions/buckets.ts'
import { showKey } from '../../src/upstream/actions/keys.ts'
import { history, listPlans } from '../../src/upstream/actions/plans.ts'
import { redactWording } from './checks.ts'
import { isObject } from './envelope.ts'
import type { Probe } from './probe.ts'

export interface Account {
  readonly s3uid: string
  readonly id: string | undefined
}

/** The elements of a list, in any of its PHP forms. */
export const listIn = (
  payload: Readonly<Record<string, unknown>> | undefined,
  member: string
): Record<string, unknown>[] => {
  const value = payload?.[member]
  const elements = Array.isArray(value) ? value : isObject(value) ? elementsOf(value) : []
  return elements.filter(isObject)
}

const elementsOf = (value: Record<string, unknown>): unknown[] =>
  Object.keys(value).every(name => /^\d+$/.test(name)) ? Object.values(value) : [value]

const scalar = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined

const share = (part: number, whole: number, what: string) => `${part} of ${whole} ${what}`

/** The plans, and the history of the first. @returns the ids of the plans */
export const probePlans = async ({ call, checks, report }: Probe): Promise<string[]> => {
  const payload = checks.success(listPlans, 'the plans', await call(listPlans))
  const plans = listIn(payload, 'plans')
  const ids = plans.flatMap(({ id }) => scalar(id) ?? [])
  const zero = plans.filter(({ bandwidth_limit: limit }) => Number(limit) === 0).length
  report.fact('is bandwidth_limit 0 unlimited or unset', share(zero, plans.length, 'plans have 0'))
  report.fact(
    'does list_plans show inactive plans',
    share(plans.filter(({ active }) => Number(active) === 0).length, plans.length, 'are inactive')
  )
  if (ids[0] !== undefined) checks.success(history, 'the history of a plan', await call(history, { id: ids[0] }))
  return ids
}

/** The accounts of the customer. Redacts their names from now on. */
export const probeAccounts = async ({ call, checks, report }: Probe): Promise<Account[]> => {
  const accounts = listIn(checks.success(getUsers, 'the accounts', await call(getUsers)), 's3_users')
  for (const { s3uid, email } of accounts) {
    for (const value of [s3uid, email]) if (typeof value === 'string') report.redact(value)
  }
  const limited = await call(getUsers, { limit: 1 })
  const page = listIn(checks.success(getUsers, 'with limit 1', limited), 's3_users')
  report.fact('does get_users respect its limit', `${page.length} of ${accounts.length} accounts for limit 1`)
  return accounts.flatMap(({ s3uid, id }) => (typeof s3uid === 'string' ? [{ s3uid, id: scalar(id) }] : []))
}

/** One account: its buckets by both actions, its id in history, and a key with --read-keys. @returns names of buckets */
export const probeAccount = async (probe: Probe, account: Account, plans: readonly string[]): Promise<string[]> => {
  const { call, checks, report, readKeys } = probe
  const { s3uid } = account
  const direct = await probeBuckets(probe, s3uid)
  const queued = await probeUsage(probe, s3uid)
  const names = [...direct, ...queued].flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  for (const name of names) report.redact(name)
  const unique = [...new Set(names)]
  const prefixed = unique.filter(name => /^b[0-9a-f]{7,8}-/.test(name)).length
  report.fact(
    'prefix of bucket names',
    share(prefixed, unique.length, 'are `b`, 7 or 8 hexadecimal digits, hyphen, name')
  )
  // An id that is also a plan's would show nothing.
  if (account.id !== undefined && !plans.includes(account.id)) {
    const { envelope } = await call(history, { id: account.id })
    report.fact(
      'id of history',
      envelope.kind === 'success' ? 'also of an account' : `not of an account: ${envelope.kind}`
    )
  } else report.fact('id of history', 'unknown: the id of the account is also the id of a plan')
  if (readKeys) {
    const payload = checks.success(
      showKey,
      'the access key (not printed)',
      await call(showKey, { s3uid, s3_key: 'access_key' })
    )
    if (typeof payload?.['key'] === 'string') report.redact(payload['key'])
  } else report.skip('s3/show_key', 'requires --read-keys')
  return unique
}

const probeBuckets = async ({ call, checks, report }: Probe, s3uid: string) => {
  const result = await call(getBuckets, { s3uid })
  const { envelope } = result
  const exists =
    envelope.kind === 'refusal'
      ? `no, or not for this account: "${redactWording(envelope.text)}"`
      : envelope.kind === 'success'
        ? 'yes'
        : envelope.kind
  report.fact('does get_buckets exist', exists)
  const payload = checks.success(getBuckets, 'the buckets', result)
  const { snapshot } = payload ?? {}
  if (isObject(snapshot)) {
    const isSame = Number(payload?.['bandwidth']) === Number(snapshot['bandwidth_usage'])
    report.fact('is bandwidth that of the snapshot', isSame ? 'yes' : 'no')
  }
  return listIn(payload, 'message')
}

const probeUsage = async ({ call, checks, report }: Probe, s3uid: string) => {
  const result = await call(getBucketsUsage, { s3uid })
  const { kind } = result.envelope
  const how = kind === 'success' ? 'yes' : kind === 'callback' ? 'no: by a callback' : kind
  report.fact('does get_buckets_rmq reply immediately', `${how}, ${Math.round(result.response.ms)} ms`)
  const payload = checks.success(getBucketsUsage, 'the usage', result)
  if (kind === 'callback')
    report.pass('s3/get_buckets_rmq the usage', 'queued; the result of the callback is not compared')
  for (const secret of ['access_key', 'secret_key']) {
    const value = payload?.[secret]
    if (typeof value === 'string') report.redact(value)
  }
  if (payload) {
    const hasKeys = ['access_key', 'secret_key'].filter(name => name in payload)
    report.fact('does get_buckets_rmq return the key pair', hasKeys.length > 0 ? `yes: ${hasKeys.join(', ')}` : 'no')
    const sum = listIn(payload, 'message').reduce((sum, { usage }) => sum + Number(usage), 0)
    report.fact('is usage_storage the sum of usage', sum === Number(payload['usage_storage']) ? 'yes' : 'no')
  }
  return listIn(payload, 'message')
}
