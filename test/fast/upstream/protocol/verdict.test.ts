import t from 'tap'
import { Problem } from '../../../../src/core/problem.ts'
import { scrubbed } from '../../../../src/core/secret.ts'
import type { Action } from '../../../../src/upstream/actions/action.ts'
import { actions } from '../../../../src/upstream/actions/index.ts'
import * as sessions from '../../../../src/upstream/actions/sessions.ts'
import { type Envelope, openEnvelope } from '../../../../src/upstream/protocol/envelope.ts'
import { referenceOf } from '../../../../src/upstream/protocol/explained.ts'
import { refusalsOf } from '../../../../src/upstream/protocol/failures.ts'
import { judge, MAX_REFUSAL_LENGTH } from '../../../../src/upstream/protocol/verdict.ts'

interface Given {
  status?: number
  retryAfter?: string
  date?: string
  secrets?: string[]
}

const judged = (
  action: Action,
  envelope: Envelope,
  { status = 200, retryAfter, date, secrets = [] }: Given = {}
): unknown => {
  try {
    return judge(action, { reply: { status, retryAfter, date, body: '' }, envelope, secrets })
  } catch (error) {
    return error
  }
}

const problemOf = (...given: Parameters<typeof judged>): Problem => {
  const verdict = judged(...given)
  if (verdict instanceof Problem) return verdict
  throw new TypeError('no problem')
}

/** What a database, PHP or a storage may print around a text. */
const JUNK = [
  'SQLSTATE[42S02]: Base table or view not found: 1146 Table billing.s3_users',
  ' in /var/www/api/lib/db.php:44',
  ' on line 12\nStack trace: #0',
  ': customer 1004 of other@example.com',
  ' 10.0.3.7',
  ' <br />'
]

const success = (payload: Record<string, unknown>): Envelope => ({
  kind: 'success',
  payload: { result: 'OK', ...payload }
})
const refusal = (text: string): Envelope => ({ kind: 'failure', text, code: undefined })
const page = openEnvelope('<html>', 's3.php')
const { login } = sessions
const {
  create_bucket,
  create_order,
  delete_bucket,
  delete_file,
  get_buckets,
  get_files,
  get_users,
  list_plans,
  show_key
} = actions

t.test('an unusable answer', async t => {
  for (const [envelope, reason] of [
    [{ kind: 'pending' }, /not ready/],
    [page, /a web page/],
    [success({ s3_users: 'none' }), /shape/]
  ] as const) {
    const read = problemOf(get_users, envelope)
    t.match(read, { problem: 'upstream-bad-response', message: reason })
    t.notOk('outcome' in read.options)
  }
  t.match(problemOf(create_bucket, { kind: 'pending' }), { options: { outcome: 'unknown' } }, 'of a write')
})

t.test('an HTTP status', async t => {
  t.test('502 to 504 come from a proxy and count as a broken connection', async t => {
    for (const [status, stage] of [
      [501, 'ambiguous'],
      [502, 'early'],
      [503, 'early'],
      [504, 'early'],
      [505, 'ambiguous'],
      [302, 'ambiguous']
    ] as const) {
      const problem = problemOf(create_order, success({}), { status })
      t.match(problem, { problem: 'upstream-bad-response', message: `HTTP ${status}` })
      t.match(problem.options, { outcome: 'unknown', cause: { code: `HTTP ${status}`, stage } })
    }
  })

  t.test('401 and 429 mean not-applied, whatever the body contains', async t => {
    for (const [status, name] of [
      [401, 'invalid-token'],
      [429, 'upstream-throttled']
    ] as const) {
      t.match(problemOf(create_order, refusal('quota exceeded'), { status }), {
        problem: name,
        options: { outcome: 'not-applied' }
      })
      t.notOk('outcome' in problemOf(get_users, page, { status }).options)
    }
  })

  t.test('429 passes Retry-After on whole, in both forms', async t => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
    const inTwoMinutes = new Date(Date.now() + 120_000).toUTCString()
    for (const [retryAfter, seconds] of [
      [undefined, 5],
      ['soon', 5],
      ['0', 5],
      ['7', 7],
      ['120', 120],
      ['3600', 3600],
      ['1.5', 5],
      ['Sun, 06 Nov 1994 09:49:37 GMT', 3600],
      ['Sunday, 06-Nov-94 08:51:37 GMT', 120],
      ['Sun Nov  6 08:50:37 1994', 60],
      ['Sun, 06 Nov 1994 08:00:00 GMT', 5],
      ['1994-11-06T09:49:37Z', 5]
    ] as const) {
      const given = { status: 429, date, ...(retryAfter !== undefined && { retryAfter }) }
      t.equal(problemOf(get_users, page, given).options.retryAfterSeconds, seconds, `${retryAfter}`)
    }
    const without = problemOf(get_users, page, { status: 429, retryAfter: inTwoMinutes }).options.retryAfterSeconds ?? 0
    t.ok(without > 60 && without <= 120, `${without} s without a Date`)
    t.equal(problemOf(get_users, page, { status: 503, retryAfter: '90' }).options.retryAfterSeconds, 90)
    t.equal(problemOf(get_users, refusal('SlowDown'), { retryAfter: '90' }).options.retryAfterSeconds, 90)
  })

  t.test('does not change the meaning of a refusal', async t => {
    t.match(problemOf(get_users, refusal('Permission denied'), { status: 500 }), { problem: 'forbidden' })
  })
})

t.test('a refusal', async t => {
  t.test('with an unknown text leaves the outcome unknown, and is not relayed', async t => {
    const problem = problemOf(create_bucket, refusal('Nie možna'))
    t.match(problem, { problem: 'upstream-refused', options: { outcome: 'unknown', upstreamText: 'Nie možna' } })
    t.strictSame(problem.options.upstream, { action: 'create_bucket', reference: referenceOf('Nie možna') })
    t.notOk('outcome' in problemOf(get_users, refusal('Nie možna')).options)
  })

  t.test('is matched up to its 2,048th character', async t => {
    const at = (length: number) => problemOf(get_users, refusal(`${'x '.repeat(length / 2)}denied`)).problem
    t.equal(at(MAX_REFUSAL_LENGTH - 6), 'forbidden')
    t.equal(at(MAX_REFUSAL_LENGTH), 'upstream-refused')
  })

  t.test('is logged without credentials', async t => {
    const problem = problemOf(login, refusal('IP not allowed for hunter22'), { secrets: ['hunter22'] })
    t.match(problem, { problem: 'forbidden', options: { upstreamText: 'IP not allowed for [redacted]' } })
  })

  t.test('is relayed where a declared wording explains all of it, and not with anything around it', async t => {
    for (const action of [...Object.values<Action>(actions), ...Object.values<Action>(sessions)]) {
      for (const { problem, pattern } of refusalsOf(action)) {
        const text = pattern.example
        const name = `${action.name} ${problem}: ${text}`
        t.strictSame(problemOf(action, refusal(text)).options.upstream, { action: action.name, message: text }, name)
        for (const around of JUNK.flatMap(junk => [`${text}${junk}`, `${junk}${text}`, `${text} (${junk})`])) {
          const { upstream } = problemOf(action, refusal(around)).options
          t.strictSame(upstream, { action: action.name, reference: referenceOf(scrubbed(around)) }, around)
        }
      }
    }
  })

  t.test('for overload has Retry-After, and no other has', async t => {
    t.match(problemOf(create_order, refusal('SlowDown')).options, { retryAfterSeconds: 5, outcome: 'unknown' })
    t.notOk('retryAfterSeconds' in problemOf(create_order, refusal('Permission denied')).options)
    t.notOk('outcome' in problemOf(get_users, refusal('SlowDown')).options)
  })
})

t.test('a refusal of the storage under result OK', async t => {
  for (const [status, problem, outcome] of [
    [199, 'upstream-storage-error', 'unknown'],
    [300, 'upstream-storage-error', 'unknown'],
    [400, 'invalid-bucket-name', 'not-applied'],
    [403, 'forbidden', 'not-applied'],
    [404, 'account-not-found', 'not-applied'],
    [409, 'bucket-exists', 'not-applied'],
    [500, 'upstream-storage-error', 'unknown']
  ] as const) {
    t.match(
      problemOf(create_bucket, success({ message: { status } })),
      { problem, options: { outcome } },
      String(status)
    )
  }
  for (const message of [{ status: 200 }, { status: 299 }, 'created', undefined]) {
    t.notOk(judged(create_bucket, success({ ...(message !== undefined && { message }) })) instanceof Problem)
  }
})

t.test('two-factor-required for a token that waits for its second factor', async t => {
  for (const waiting of [1, '1', true, 'yes']) {
    const problem = problemOf(login, success({ token: 'x', '2fa': waiting }))
    t.match(problem, { problem: 'two-factor-required' })
    t.notOk('outcome' in problem.options)
  }
  for (const done of [0, '0', false, '']) t.match(judged(login, success({ token: 'x', '2fa': done })), { token: 'x' })
  t.match(problemOf(login, success({ token: '' })), { problem: 'upstream-bad-response' })
})

t.test('the payload is coerced to the declared types', async t => {
  t.match(judged(list_plans, success({ plans: { 1: { id: '7' } } })), { plans: [{ id: 7 }] })
  t.match(problemOf(show_key, success({ key: '' })), { problem: 'upstream-bad-response' })
})

/** Texts that resemble known ones, and the problem that they mean for an action. */
const words: [action: Action, text: string, problem: string][] = [
  [get_users, 'Invalid request', 'invalid-request'],
  [get_users, 's3/get_users: unknown action', 'invalid-request'],
  [get_users, 's3_2/get_users: invalid request', 'upstream-refused'],
  [get_users, 'this is an invalid request', 'upstream-refused'],
  [get_users, 'Missing required keys: a', 'invalid-request'],
  [get_users, 'there are Missing required keys', 'upstream-refused'],
  [get_users, 'Ticket id required', 'invalid-request'],
  [get_users, 'Ticket id required!', 'upstream-refused'],
  [get_users, 'payment required', 'payment-required'],
  [get_users, 'empty token', 'invalid-request'],
  [get_users, 'an empty token', 'upstream-refused'],
  [get_users, 'empty token 7', 'upstream-refused'],
  [get_users, 'Unauthorized', 'invalid-token'],
  [get_users, 'you are unauthorized', 'upstream-refused'],
  [get_users, 'not authorized', 'forbidden'],
  [get_users, 'accessdenied', 'forbidden'],
  [get_users, 'the session is wrong', 'upstream-refused'],
  [get_users, 'wrong session', 'invalid-token'],
  [get_users, 'NoSuchKey', 'account-not-found'],
  [list_plans, 'NoSuchKey', 'upstream-refused'],
  [list_plans, 'quota exceeded', 'upstream-refused'],
  [create_order, 'quota exceeded', 'limit-reached'],
  [create_bucket, 'quota exceeded', 'limit-reached'],
  [get_users, 'quota exceeded', 'upstream-refused'],
  [delete_file, 'NoSuchKey', 'file-not-found'],
  [delete_bucket, 'not empty', 'bucket-not-empty'],
  [delete_file, 'not empty', 'upstream-refused'],
  [get_files, 'NoSuchBucket', 'bucket-not-found'],
  [create_bucket, 'NoSuchBucket', 'account-not-found'],
  [create_order, 'NoSuchBucket', 'upstream-refused'],
  [create_bucket, 'duplicate', 'bucket-exists'],
  [get_files, 'duplicate', 'upstream-refused'],
  [create_bucket, 'wrong bucket', 'invalid-bucket-name'],
  [get_files, 'wrong bucket', 'upstream-refused'],
  [get_files, 'time out', 'upstream-timeout'],
  [get_files, 'timeout', 'upstream-timeout'],
  [get_files, 'times out', 'upstream-refused'],
  [get_files, 's3/get_files: the bucket is not found', 'bucket-not-found'],
  [get_files, 's3/get_files: a continuation', 'invalid-cursor'],
  [get_files, 'see s3/get_files: a continuation', 'upstream-refused'],
  [get_files, 's3/get_files: invalid token', 'invalid-cursor'],
  [get_files, 's3/get_files: a token that is invalid', 'upstream-refused'],
  [get_files, 's3/get_files: Load S3 files error: ?', 'upstream-storage-error'],
  [get_files, 'a s3/get_files: Load S3 files error: ?', 'upstream-refused'],
  [get_buckets, 's3/get_buckets: Load bucket error: ?', 'upstream-storage-error'],
  [get_buckets, 'a s3/get_buckets: Load bucket error: ?', 'upstream-refused'],
  [delete_file, 'Delete S3 file error: ?', 'upstream-storage-error'],
  [delete_file, 'a Delete S3 file error: ?', 'upstream-refused'],
  [create_bucket, 'Create bucket error: ?', 'upstream-storage-error'],
  [create_bucket, 'a Create bucket error: ?', 'upstream-refused'],
  [show_key, 'invalid key', 'invalid-request'],
  [show_key, 'an invalid key', 'upstream-refused'],
  [show_key, 'invalid keys', 'upstream-refused']
]

t.test('a text is matched by its position and the action', async t => {
  for (const [action, text, problem] of words)
    t.equal(problemOf(action, refusal(text)).problem, problem, `${action.name}: ${text}`)
})
