import t, { type Test } from 'tap'
import type { FaultKind } from '../../../../src/sandbox/index.ts'
import { fails } from '../../../support/assert/expect.ts'
import { fakeUpstream } from '../../../support/fakes/upstream.ts'
import { type Gateway, gateway } from '../../../support/harness/gateway.ts'

type Control = Gateway['sandbox']['control']

/** A thing to delete, how it is deleted, and where it is looked for. */
interface Target {
  url: string
  action: string
  list: string
  /** Has HOSTKEY still got it? */
  isThere: (control: Control) => boolean
}

const hasFile = (path: string) => (control: Control) =>
  control.state().buckets.some(({ name, files }) => name === 'logs' && files.some(([held]) => held === path))

const targets = {
  'an account': {
    url: '/accounts/s3_user_1',
    action: 'delete_account',
    list: 'get_users',
    isThere: control => control.state().accounts.some(({ s3uid }) => s3uid === 's3_user_1')
  },
  'a bucket': {
    url: '/accounts/s3_user_1/buckets/empty-bucket',
    action: 'delete_bucket',
    list: 'get_buckets',
    isThere: control => control.state().buckets.some(({ name }) => name === 'empty-bucket')
  },
  'a file': {
    url: '/accounts/s3_user_1/buckets/logs/files?path=a%2Fb.txt',
    action: 'delete_file',
    list: 'get_files',
    isThere: hasFile('a/b.txt')
  }
} satisfies Record<string, Target>

const headers = { 'confirm-delete': 's3_user_1' }

/** A gateway of its own: its breaker must not remember the faults of other tests. */
const fresh = async (t: Test, env: Record<string, string> = {}) => {
  const g = await gateway(t, env)
  const { control } = g.sandbox
  const reset = () => {
    control.reset()
    for (const path of ['a/b.txt', 'a/b.txt.old']) control.putFile('logs', path)
  }
  reset()
  return { ...g, control, reset, remove: (url: string) => g.del(url, { headers }) }
}

for (const [name, { url, action, list, isThere }] of Object.entries(targets)) {
  t.test(`${name} whose deletion is lost`, async t => {
    const { remove, control, reset } = await fresh(t)
    t.beforeEach(reset)

    t.test('204 when it was lost after HOSTKEY had acted', async t => {
      control.fault({ kind: 'truncated', action })
      const reply = await remove(url)
      t.equal(reply.statusCode, 204, reply.text)
      t.match(control.counters(), { [action]: 1, [list]: 1 }, 'sent once, and one look is enough')
      t.notOk(isThere(control))
    })

    t.test('502 upstream-bad-response, not applied, when the answer makes no sense and it is there', async t => {
      control.fault({ kind: 'empty-200', action })
      const reply = await remove(url)
      fails(t, reply, 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: true })
      t.match(control.counters(), { [action]: 1, [list]: 3 }, 'sent once, and looked for after each pause')
      t.ok(isThere(control))
    })

    for (const [kind, status, problem] of [
      ['reset-before', 504, 'upstream-timeout'],
      ['html-504', 502, 'upstream-bad-response'],
      ['html-502', 502, 'upstream-bad-response'],
      ['html-503', 502, 'upstream-bad-response']
    ] as const) {
      t.test(`${status} ${problem}, outcome unknown, when it meets ${kind} and it is there`, async t => {
        const { remove, control } = await fresh(t)
        control.fault({ kind, action })
        fails(t, await remove(url), status, problem, { outcome: 'unknown', retryable: false })
        t.match(control.counters(), { [action]: 1, [list]: 3 }, 'sent once, and looked for after each pause')
        t.ok(isThere(control))
      })
    }

    t.test('outcome unknown when a look finds it and the last one fails', async t => {
      control.fault({ kind: 'empty-200', action })
      control.fault({ kind: 'html-200', action: list, after: 1 })
      fails(t, await remove(url), 502, 'upstream-bad-response', { outcome: 'unknown', retryable: false })
    })

    t.test('204 when HOSTKEY acts between two looks', async t => {
      control.fault({ kind: 'late-execution', action, ms: 15 })
      const reply = await remove(url)
      t.equal(reply.statusCode, 204, reply.text)
      t.equal(control.counters()[action], 1)
      t.notOk(isThere(control))
    })

    for (const [kind, status, problem] of [
      ['truncated', 502, 'upstream-bad-response'],
      ['reset-before', 504, 'upstream-timeout']
    ] as const) {
      t.test(`${status} ${problem}, outcome unknown, when it meets ${kind} and no look succeeds`, async t => {
        const { remove, control } = await fresh(t)
        control.fault({ kind, action })
        control.fault({ kind: 'html-200', action: list })
        fails(t, await remove(url), status, problem, { outcome: 'unknown', retryable: false })
        t.equal(control.counters()[action], 1)
      })
    }
  })
}

/** A HOSTKEY that answers deletions with nonsense, and whose lists ignore what is looked for. */
const careless = async (t: Test, lists: Record<string, object>) =>
  gateway(t, { UPSTREAM_URL: (await fakeUpstream(t, ({ action = '' }) => lists[action])).url })

t.test('a list that ignores what is looked for', async t => {
  const { del } = await careless(t, {
    get_files: { files: [], folders: [{ key: 'a/' }], next_token: null },
    get_users: { s3_users: [{ s3uid: 's3_user_2' }] }
  })

  t.test('does not show whether a file in one of its folders is gone: outcome unknown', async t => {
    fails(t, await del(targets['a file'].url), 502, 'upstream-bad-response', { outcome: 'unknown' })
  })

  t.test('shows that a file in none of its folders is', async t => {
    t.equal((await del('/accounts/s3_user_1/buckets/logs/files?path=b.txt')).statusCode, 204)
  })

  t.test('shows that an account is gone, though there is another', async t => {
    t.equal((await del('/accounts/s3_user_1', { headers })).statusCode, 204)
  })
})

t.test('nobody looks when HOSTKEY has answered', async t => {
  const { remove, control } = await fresh(t)
  for (const { url, action } of Object.values(targets)) {
    for (const kind of ['refusal', 'throttled'] satisfies FaultKind[]) {
      control.clearCalls()
      control.fault({ kind, action, text: 'Permission denied', count: 1 })
      t.ok([403, 503].includes((await remove(url)).statusCode))
      t.strictSame(control.counters(), { [action]: 1 })
    }
  }
})

t.test('a file is looked for by its whole path', async t => {
  const { remove, control, reset } = await fresh(t)
  const { url, action } = targets['a file']
  const searchModes = ['substring', 'prefix'] as const
  for (const searchMode of searchModes) {
    t.test(`where the search finds a ${searchMode}, and another file's path begins with it`, async t => {
      reset()
      control.setBehaviours({ searchMode })
      control.fault({ kind: 'truncated', action })
      t.equal((await remove(url)).statusCode, 204)
      t.ok(hasFile('a/b.txt.old')(control))
      reset()
      control.setBehaviours({ searchMode })
      control.fault({ kind: 'empty-200', action })
      fails(t, await remove(url), 502, 'upstream-bad-response', { outcome: 'not-applied' })
    })
  }

  t.test('outcome unknown when there are more files that fit than are looked through', async t => {
    const { remove, control } = await fresh(t)
    for (let n = 0; n < 1000; n += 1) control.putFile('logs', `a/a/b.txt.${n}`)
    control.fault({ kind: 'truncated', action })
    fails(t, await remove(url), 502, 'upstream-bad-response', { outcome: 'unknown' })
  })
})

t.test('the bucket and the file are gone when what held them is', async t => {
  const { control, remove } = await fresh(t)
  for (const [name, list, text] of [
    ['a bucket', 'get_buckets', 'S3 account not found for this customer'],
    ['a file', 'get_files', 's3/get_files: Load S3 files error: NoSuchBucket']
  ] as const) {
    const { url, action } = targets[name]
    control.fault({ kind: 'truncated', action })
    control.fault({ kind: 'refusal', action: list, text })
    t.equal((await remove(url)).statusCode, 204, name)
  }
})
