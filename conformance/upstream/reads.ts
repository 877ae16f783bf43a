import { getUsers } from '../../src/upstream/actions/accounts.ts'
import { getBuckets, getBucketsUsage } from '../../src/upstream/actions/buckets.ts'
import { showKey } from '../../src/upstream/actions/keys.ts'
import { history, listPlans } from '../../src/upstream/actions/plans.ts'
import { isObject } from './envelope.ts'
import type { Probe } from './index.ts'
import { words } from './judge.ts'

export interface Account {
  readonly s3uid: string
  readonly id: string | undefined
}

/** The elements of a list, or of what PHP makes of one. */
export const listIn = (
  payload: Readonly<Record<string, unknown>> | undefined,
  member: string
): Record<string, unknown>[] => {
  const value = payload?.[member]
  const elements = Array.isArray(value) ? value : isObject(value) ? numbered(value) : []
  return elements.filter(isObject)
}

const numbered = (value: Record<string, unknown>): unknown[] =>
  Object.keys(value).every(name => /^\d+$/.test(name)) ? Object.values(value) : [value]

const scalar = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined

const share = (part: number, whole: number, what: string) => `${part} of ${whole} ${what}`

/** The plans, and the history of the first. @returns their numbers */
export const probePlans = async ({ ask, judge, report }: Probe): Promise<string[]> => {
  const payload = judge.success(listPlans, 'the plans', await ask(listPlans))
  const plans = listIn(payload, 'plans')
  const ids = plans.flatMap(({ id }) => scalar(id) ?? [])
  const zero = plans.filter(({ bandwidth_limit: limit }) => Number(limit) === 0).length
  report.fact('bandwidth_limit 0: unlimited or unset', share(zero, plans.length, 'plans have 0'))
  report.fact(
    'does list_plans show inactive plans',
    share(plans.filter(({ active }) => Number(active) === 0).length, plans.length, 'are inactive')
  )
  if (ids[0] !== undefined) judge.success(history, 'the history of a plan', await ask(history, { id: ids[0] }))
  return ids
}

/** The accounts of the customer. Their names are hidden from now on. */
export const probeAccounts = async ({ ask, judge, report }: Probe): Promise<Account[]> => {
  const accounts = listIn(judge.success(getUsers, 'the accounts', await ask(getUsers)), 's3_users')
  for (const { s3uid, email } of accounts) {
    for (const value of [s3uid, email]) if (typeof value === 'string') report.hide(value)
  }
  const limited = await ask(getUsers, { limit: 1 })
  const page = listIn(judge.success(getUsers, 'with limit 1', limited), 's3_users')
  report.fact('does get_users keep to its limit', `${page.length} of ${accounts.length} accounts for limit 1`)
  return accounts.flatMap(({ s3uid, id }) => (typeof s3uid === 'string' ? [{ s3uid, id: scalar(id) }] : []))
}

/** One account: its buckets by both actions, what history means by its number, and a key when asked. @returns names of buckets */
export const probeAccount = async (probe: Probe, account: Account, plans: readonly string[]): Promise<string[]> => {
  const { ask, judge, report, readKeys } = probe
  const { s3uid } = account
  const direct = await probeBuckets(probe, s3uid)
  const queued = await probeUsage(probe, s3uid)
  const names = [...direct, ...queued].flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  for (const name of names) report.hide(name)
  const unique = [...new Set(names)]
  const prefixed = unique.filter(name => /^b[0-9a-f]{7,8}-/.test(name)).length
  report.fact(
    'prefix of bucket names',
    share(prefixed, unique.length, 'are `b`, 7 or 8 hexadecimal digits, hyphen, name')
  )
  // A number that is a plan's as well would tell nothing.
  if (account.id !== undefined && !plans.includes(account.id)) {
    const { opened } = await ask(history, { id: account.id })
    report.fact(
      'id of history',
      opened.kind === 'success' ? 'also that of an account' : `not that of an account: ${opened.kind}`
    )
  } else report.fact('id of history', 'a plan; the number of the account is one of a plan too, which tells no more')
  if (readKeys) {
    const payload = judge.success(
      showKey,
      'the access key (not printed)',
      await ask(showKey, { s3uid, s3_key: 'access_key' })
    )
    if (typeof payload?.['key'] === 'string') report.hide(payload['key'])
  } else report.skip('s3/show_key', 'only with --read-keys')
  return unique
}

const probeBuckets = async ({ ask, judge, report }: Probe, s3uid: string) => {
  const heard = await ask(getBuckets, { s3uid })
  const { opened } = heard
  const exists =
    opened.kind === 'refusal'
      ? `no, or not for this account: "${words(opened.text)}"`
      : opened.kind === 'success'
        ? 'yes'
        : opened.kind
  report.fact('does get_buckets exist', exists)
  const payload = judge.success(getBuckets, 'the buckets', heard)
  const { snapshot } = payload ?? {}
  if (isObject(snapshot)) {
    const isSame = Number(payload?.['bandwidth']) === Number(snapshot['bandwidth_usage'])
    report.fact('is bandwidth that of the snapshot', isSame ? 'the same number' : 'another number')
  }
  return listIn(payload, 'message')
}

const probeUsage = async ({ ask, judge, report }: Probe, s3uid: string) => {
  const heard = await ask(getBucketsUsage, { s3uid })
  const { kind } = heard.opened
  const how = kind === 'success' ? 'at once' : kind === 'callback' ? 'by a callback' : kind
  report.fact('does get_buckets_rmq answer at once', `${how}, ${Math.round(heard.answer.ms)} ms`)
  const payload = judge.success(getBucketsUsage, 'the usage', heard)
  if (kind === 'callback')
    report.pass('s3/get_buckets_rmq the usage', 'queued; what the callback brings is not compared')
  for (const secret of ['access_key', 'secret_key']) {
    const value = payload?.[secret]
    if (typeof value === 'string') report.hide(value)
  }
  if (payload) {
    const hasKeys = ['access_key', 'secret_key'].filter(name => name in payload)
    report.fact('does get_buckets_rmq print the key pair', hasKeys.length > 0 ? `yes: ${hasKeys.join(', ')}` : 'no')
    const sum = listIn(payload, 'message').reduce((sum, { usage }) => sum + Number(usage), 0)
    report.fact('is usage_storage the sum of usage', sum === Number(payload['usage_storage']) ? 'yes' : 'no')
  }
  return listIn(payload, 'message')
}
