import { randomUUID } from 'node:crypto'
import t from 'tap'
import { Problem } from '../../../../src/core/problem.ts'
import { deleteVerified } from '../../../../src/domain/storage/verified-deletion.ts'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { fails } from '../../../support/assert/expect.ts'
import { fakeUpstream } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'
import { type Gateway, gateway } from '../../../support/harness/gateway.ts'

const lost = (name: 'upstream-timeout' | 'upstream-bad-response', stage = 'ambiguous') =>
  new Problem(name, 'lost', { outcome: 'unknown', cause: { code: 'TEST', stage } })
/** HOSTKEY has answered; the answer is unreadable. */
const unreadable = lost('upstream-bad-response')
const unread = new Problem('upstream-unavailable', 'the list cannot be read')

/** @param reads result of each read of the list, or its failure @returns the error, if any, and the number of reads */
const deleting = async (failure: Problem, reads: (boolean | undefined | Problem)[]) => {
  let count = 0
  const isGone = async () => {
    const result = reads[count++]
    if (result instanceof Problem) throw result
    return result
  }
  const deletion = { send: () => Promise.reject(failure), isGone, verifyDelaysMs: reads.map(() => 0) }
  const error = await deleteVerified(deletion, contextOf()).then(
    () => undefined,
    error => error
  )
  return { error, count }
}

t.test('a deletion whose answer is lost', async t => {
  t.test('succeeds with the first list that does not find the target', async t => {
    for (const failure of [unreadable, lost('upstream-timeout')]) {
      t.strictSame(await deleting(failure, [true, false, false]), { error: undefined, count: 1 })
      t.strictSame(await deleting(failure, [false, true, false]), { error: undefined, count: 2 })
    }
  })

  t.test('succeeds when the account or the bucket of the target is missing', async t => {
    for (const name of ['account-not-found', 'bucket-not-found'] as const) {
      t.strictSame(await deleting(unreadable, [new Problem(name, 'missing')]), { error: undefined, count: 1 })
    }
  })

  t.test('has done nothing when HOSTKEY has answered and the target is still there', async t => {
    const { error, count } = await deleting(unreadable, [false, false, false])
    t.match(error, { problem: 'upstream-bad-response', options: { outcome: 'not-applied' } })
    t.equal(count, 3)
  })

  t.test('stays unknown while HOSTKEY may still execute it', async t => {
    for (const failure of [lost('upstream-timeout'), lost('upstream-bad-response', 'early')]) {
      t.strictSame(await deleting(failure, [false, false, false]), { error: failure, count: 3 })
    }
  })

  t.test('stays unknown when the last read fails, or does not show whether the target is gone', async t => {
    for (const reads of [[false, unread], [unread], [undefined]]) {
      t.equal((await deleting(unreadable, reads)).error, unreadable)
    }
  })
})

t.test('a deletion that HOSTKEY refuses is not verified', async t => {
  for (const name of ['forbidden', 'upstream-throttled'] as const) {
    const refusal = new Problem(name, 'refused', { outcome: 'not-applied' })
    t.strictSame(await deleting(refusal, [true]), { error: refusal, count: 0 })
  }
})

type Control = Gateway['sandbox']['control']

const hasFile = (path: string) => (control: Control) =>
  control.state().buckets.some(({ name, files }) => name === 'logs' && files.some(([stored]) => stored === path))

const FILES = '/accounts/s3_user_1/buckets/logs/files'
const headers = { 'confirm-delete': 's3_user_1' }

/** Each kind of target: its URL, the action that deletes it, and the action that lists it. */
const targets: [url: string, action: string, list: string, exists: (control: Control) => boolean][] = [
  [
    '/accounts/s3_user_1',
    'delete_account',
    'get_users',
    control => control.state().accounts.some(({ s3uid }) => s3uid === 's3_user_1')
  ],
  [
    '/accounts/s3_user_1/buckets/empty-bucket',
    'delete_bucket',
    'get_buckets',
    control => control.state().buckets.some(({ name }) => name === 'empty-bucket')
  ],
  [`${FILES}?path=a%2Fb.txt`, 'delete_file', 'get_files', hasFile('a/b.txt')]
]

t.test('DELETE of an account, a bucket and a file', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control } = sandbox
  t.beforeEach(() => {
    control.reset()
    for (const path of ['a/b.txt', 'a/b.txt.old']) control.putFile('logs', path)
  })

  for (const [url, action, list, exists] of targets) {
    t.test(`${action}, verified by ${list}`, async t => {
      // A gateway for each: after five failures its circuit opens.
      const { del } = await gateway(t, {}, { sandbox })

      t.test('204 when the answer is lost and the target is not listed; it is sent once', async t => {
        control.fault({ kind: 'truncated', action })
        const reply = await del(url, { headers })
        t.equal(reply.statusCode, 204, reply.text)
        t.match(control.counters(), { [action]: 1, [list]: 1 })
        t.notOk(exists(control))
      })

      t.test(
        '502 upstream-bad-response, not applied, when the answer is unreadable and the target is listed',
        async t => {
          control.fault({ kind: 'empty-200', action })
          const reply = await del(url, { headers })
          fails(t, reply, 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: true })
          t.match(control.counters(), { [action]: 1, [list]: 3 })
          t.ok(exists(control))
        }
      )
    })
  }

  t.test('a file is verified by its whole path', async t => {
    const { del } = await gateway(t, {}, { sandbox })

    for (const searchMode of ['substring', 'prefix'] as const) {
      t.test(`204 when another path starts with it and the search matches a ${searchMode}`, async t => {
        control.setBehaviours({ searchMode, searchListing: searchMode === 'prefix' ? 'delimited' : 'flat' })
        control.fault({ kind: 'truncated', action: 'delete_file' })
        t.equal((await del(`${FILES}?path=a%2Fb.txt`)).statusCode, 204)
        t.ok(hasFile('a/b.txt.old')(control))
      })
    }

    t.test('502 upstream-bad-response, outcome unknown, when more files match than are read', async t => {
      for (let n = 0; n < 1000; n += 1) control.putFile('logs', `a/a/b.txt.${n}`)
      control.fault({ kind: 'truncated', action: 'delete_file' })
      fails(t, await del(`${FILES}?path=a%2Fb.txt`), 502, 'upstream-bad-response', { outcome: 'unknown' })
    })
  })
})

t.test('DELETE when HOSTKEY ignores the filter of its lists', async t => {
  const lists: Record<string, object> = {
    get_files: { files: [], folders: [{ key: 'a/' }], next_token: null },
    get_users: { s3_users: [{ s3uid: 's3_user_2' }] }
  }
  const { url } = await fakeUpstream(t, ({ action = '' }) => lists[action])
  const { del } = await gateway(t, { UPSTREAM_URL: url })

  t.test('502 upstream-bad-response, outcome unknown, for a file in a listed folder', async t => {
    fails(t, await del(`${FILES}?path=a%2Fb.txt`), 502, 'upstream-bad-response', { outcome: 'unknown' })
  })

  t.test('204 for a file in no listed folder, and for an account that is not listed', async t => {
    t.equal((await del(`${FILES}?path=b.txt`)).statusCode, 204)
    t.equal((await del('/accounts/s3_user_1', { headers })).statusCode, 204)
  })
})
