import t, { type Test } from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import {
  type AccountSearch,
  findCreatedAccount,
  readAccountsOfPlan
} from '../../../../src/domain/orders/reconciliation.ts'
import { type Answer, fakeUpstream, type Sent } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'

const requested = { planId: 2, bucketName: 'photos', location: 'NL' }

/** The accounts of a customer, each with its buckets. */
type Accounts = Record<string, string[]>

const listed = (accounts: Accounts) => ({ s3_users: Object.keys(accounts).map(s3uid => ({ s3uid })) })

/** @param ignoresFilter does get_users list every account, whatever bucket is requested? */
const search = async (
  t: Test,
  accounts: Accounts,
  change: Partial<AccountSearch> = {},
  { ignoresFilter = false, get_users, verifyDelaysMs = [0] }: Answering = {}
) => {
  const owners = Object.fromEntries(
    Object.entries(accounts).filter(([, buckets]) => buckets.some(name => name.endsWith('photos')))
  )
  const { upstream, calls } = await fakeUpstream(t, {
    get_users: get_users ?? (({ bucket_name }) => listed(bucket_name && !ignoresFilter ? owners : accounts)),
    get_buckets: ({ s3uid = '' }) => ({ message: (accounts[s3uid] ?? []).map(name => ({ name })) })
  })
  const wanted = { requested, accountsBefore: new Set(['old']), isReportedCreated: false, ...change, verifyDelaysMs }
  return { finding: await findCreatedAccount(upstream, wanted, contextOf()), calls }
}

interface Answering {
  ignoresFilter?: boolean
  get_users?: (sent: Sent) => Answer
  verifyDelaysMs?: readonly number[]
}

const found = async (...given: Parameters<typeof search>) => (await search(...given)).finding

t.test('readAccountsOfPlan lists the accounts of one plan', async t => {
  const { upstream, calls } = await fakeUpstream(t, { get_users: () => listed({ a: [], b: [] }) })
  t.same([...(await readAccountsOfPlan(upstream, 7, contextOf()))], ['a', 'b'])
  t.strictSame(calls, [{ action: 'get_users', plan_id: '7' }])
})

t.test('an account that owns the requested bucket', async t => {
  t.test('is found, with the actual name of its bucket', async t => {
    t.strictSame(await found(t, { old: [], new: ['photos'] }), { kind: 'created', s3uid: 'new', bucket: 'photos' })
    const { finding, calls } = await search(t, { old: ['logs'], new: ['music', 'b1-photos'] })
    t.strictSame(finding, { kind: 'created', s3uid: 'new', bucket: 'b1-photos' })
    t.match(calls, [
      { action: 'get_users', bucket_name: 'photos', plan_id: '2' },
      { action: 'get_buckets', s3uid: 'new' }
    ])
    t.equal(calls.length, 2, 'no other account is inspected')
  })
  t.test('is not found when it existed before', async t => {
    t.strictSame(await found(t, { old: ['photos'] }), { kind: 'none' })
  })
  t.test('is not found when it belongs to another order', async t => {
    const belongsToOther = async (s3uid: string) => s3uid === 'theirs'
    t.strictSame(await found(t, { theirs: ['photos'] }, { belongsToOther }), { kind: 'none' })
    t.match(await found(t, { theirs: ['photos'], new: ['photos'] }, { belongsToOther }), {
      kind: 'created',
      s3uid: 'new'
    })
  })
  t.test('is found among all accounts when HOSTKEY ignores the filter', async t => {
    const accounts = { old: ['logs'], new: ['photos'], other: ['music'] }
    t.strictSame(await found(t, accounts, {}, { ignoresFilter: true }), {
      kind: 'created',
      s3uid: 'new',
      bucket: 'photos'
    })
    t.strictSame(await found(t, { old: [], other: ['music'] }, {}, { ignoresFilter: true }), { kind: 'none' })
    t.strictSame(await found(t, { other: ['music'] }, {}, { ignoresFilter: true }), { kind: 'none' }, 'the only one')
  })
  t.test('is unclear when there is another one', async t => {
    t.strictSame(await found(t, { one: ['photos'], two: ['b1-photos'] }), { kind: 'unclear' })
  })
})

t.test('a bucket whose name only ends with the requested one is another bucket', async t => {
  t.strictSame(await found(t, { new: ['myphotos'], other: ['music'] }, {}, { ignoresFilter: true }), { kind: 'none' })
})

t.test('a new account without buckets', async t => {
  t.test('is unclear', async t => {
    t.strictSame(await found(t, { old: [], bare: [] }), { kind: 'unclear' })
    t.strictSame(await found(t, { bare: [], other: ['music'] }), { kind: 'unclear' })
  })
  t.test('is found when HOSTKEY reports that it created an account', async t => {
    const isReportedCreated = true
    t.strictSame(await found(t, { bare: [], other: ['music'] }, { isReportedCreated }), {
      kind: 'created',
      s3uid: 'bare',
      bucket: undefined
    })
    t.strictSame(await found(t, { bare: [], bare2: [] }, { isReportedCreated }), { kind: 'unclear' }, 'two candidates')
    t.match(await found(t, { bare: [], one: ['photos'], two: ['photos'] }, { isReportedCreated }), { kind: 'unclear' })
    t.strictSame(await found(t, { other: ['music'] }, { isReportedCreated }), { kind: 'none' })
  })
})

t.test('at most 20 new accounts are inspected', async t => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`new${n}`, ['music']]))
  t.strictSame(await found(t, many(20)), { kind: 'none' })
  const { finding, calls } = await search(t, many(21))
  t.strictSame(finding, { kind: 'unclear' })
  t.notOk(calls.some(({ action }) => action === 'get_buckets'))
})

t.test('the search is repeated after each pause until the account is found', async t => {
  let searches = 0
  const get_users = ({ bucket_name }: Sent) => {
    if (bucket_name) searches += 1
    return searches < 2 ? undefined : listed({ new: [] })
  }
  const verifyDelaysMs = [0, 30, 0]
  const startedAt = performance.now()
  t.match(await found(t, { new: ['photos'] }, {}, { get_users, verifyDelaysMs }), { kind: 'created' })
  t.equal(searches, 2)
  t.ok(performance.now() - startedAt >= 25)
})

t.test('the finding is unclear when the lists cannot be read, or without any search', async t => {
  t.strictSame(await found(t, {}, {}, { get_users: () => 'Permission denied' }), { kind: 'unclear' })
  t.strictSame(await found(t, {}, {}, { verifyDelaysMs: [] }), { kind: 'unclear' })
  const { upstream } = await fakeUpstream(t, { get_users: () => 'Permission denied' })
  t.ok(isProblem(await readAccountsOfPlan(upstream, 2, contextOf()).catch(error => error), 'forbidden'))
})
