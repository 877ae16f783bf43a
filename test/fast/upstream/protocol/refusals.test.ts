import t, { type Test } from 'tap'
import type { ProblemName } from '../../../../schemas/problems.ts'
import type { ActionName } from '../../../../src/upstream/actions/index.ts'
import { referenceOf } from '../../../../src/upstream/protocol/explained.ts'
import { fails } from '../../../support/assert/expect.ts'
import { sendSample } from '../../../support/harness/action-requests.ts'
import { gateway, type Reply } from '../../../support/harness/gateway.ts'

type Row = [action: ActionName, text: string, status: number, problem: ProblemName, outcome?: string]

const CREATED = 'S3 account was created, but had an error:'
const FILES = 's3/get_files: Load S3 files error:'

/** Texts of HOSTKEY and the reply to the caller; see docs/explanation/vendor-behaviour.md#refusals. */
const rows: Record<string, Row[]> = {
  'created with an error, before any suffix': [
    ['create_account', `${CREATED} Bucket already exists`, 502, 'account-state-unknown', 'partial'],
    ['create_account', `${CREATED} quota exceeded`, 502, 'account-state-unknown', 'partial'],
    ['create_account', `${CREATED} Permission denied`, 502, 'account-state-unknown', 'partial'],
    ['create_account', `${CREATED} issue service paid`, 502, 'account-state-unknown', 'partial'],
    ['create_account', `  ${CREATED.toLowerCase()} ...  `, 502, 'account-state-unknown', 'partial'],
    ['create_order', `${CREATED} ...`, 202, 'account-state-unknown', 'partial']
  ],
  unpaid: [['create_order', 'issue service paid', 402, 'payment-required', 'not-applied']],
  'bucket exists': [
    ['create_bucket', 'Create bucket error: Bucket already exists', 409, 'bucket-exists', 'not-applied'],
    ['create_bucket', 'Create bucket error: BucketAlreadyExists', 409, 'bucket-exists', 'not-applied'],
    ['create_bucket', 'Create bucket error: BucketAlreadyOwnedByYou', 409, 'bucket-exists', 'not-applied']
  ],
  'other failures of a new bucket': [
    ['create_bucket', 'Create bucket error: InternalError', 502, 'upstream-storage-error', 'unknown'],
    ['create_bucket', 'Create bucket error: InvalidBucketName', 422, 'invalid-bucket-name', 'not-applied'],
    ['create_bucket', 'Create bucket error: TooManyBuckets', 409, 'limit-reached', 'not-applied'],
    ['create_bucket', 'Create bucket error: AccessDenied', 403, 'forbidden', 'not-applied']
  ],
  'bucket not empty': [
    ['delete_bucket', 'Delete S3 bucket error: Bucket not empty', 409, 'bucket-not-empty', 'not-applied'],
    ['delete_bucket', 'Delete S3 bucket error: BucketNotEmpty', 409, 'bucket-not-empty', 'not-applied']
  ],
  'bucket not found': [
    ['delete_bucket', 'Delete S3 bucket error: NoSuchBucket', 404, 'bucket-not-found', 'not-applied'],
    ['delete_bucket', 'Delete S3 bucket error: not found', 404, 'bucket-not-found', 'not-applied']
  ],
  'file deletion': [
    ['delete_file', 'Delete S3 file error: File not found', 404, 'file-not-found', 'not-applied'],
    ['delete_file', 'Delete S3 file error: NoSuchKey', 404, 'file-not-found', 'not-applied'],
    ['delete_file', 'Delete S3 file error: NoSuchBucket', 404, 'bucket-not-found', 'not-applied'],
    ['delete_file', 'Delete S3 file error: InternalError', 502, 'upstream-storage-error', 'unknown']
  ],
  'account deletion': [
    ['delete_account', 'Delete S3 account error: ...', 502, 'upstream-storage-error', 'unknown'],
    ['delete_account', 'Delete S3 account error: BucketNotEmpty', 502, 'upstream-storage-error', 'unknown']
  ],
  'list of buckets': [['get_buckets', 's3/get_buckets: Load bucket error: ...', 502, 'upstream-storage-error']],
  'list of files': [
    ['get_files', 's3/get_files: Load S3 files error: ...', 502, 'upstream-storage-error'],
    ['get_files', 's3/get_files: Load S3 files error: NoSuchBucket', 404, 'bucket-not-found'],
    ['get_files', 's3/get_files: Load S3 files error: Invalid token', 400, 'invalid-cursor'],
    ['get_files', `${FILES} The continuation token provided is incorrect`, 400, 'invalid-cursor']
  ],
  'account not found': [
    ['get_buckets_rmq', 'S3 account not found for this customer', 404, 'account-not-found'],
    ['get_buckets', 'S3 account not found for this customer', 404, 'account-not-found'],
    ['get_files', 'S3 account not found for this customer', 404, 'account-not-found'],
    ['show_key', 'S3 account not found for this customer', 404, 'account-not-found'],
    ['create_bucket', 'S3 account not found for this customer', 404, 'account-not-found', 'not-applied'],
    ['delete_bucket', 'S3 account not found for this customer', 404, 'account-not-found', 'not-applied'],
    ['delete_file', 'S3 account not found for this customer', 404, 'account-not-found', 'not-applied'],
    ['delete_account', 'S3 account not found for this customer', 404, 'account-not-found', 'not-applied']
  ],
  'customer not found': [['get_users', 'customer not found', 404, 'customer-not-found']],
  'plan not found': [
    ['history', 'Plan not found', 404, 'plan-not-found'],
    ['create_account', 'Plan not found', 422, 'plan-not-orderable', 'not-applied'],
    ['create_order', 'Plan not found', 422, 'plan-not-orderable', 'not-applied']
  ],
  'invalid key': [['show_key', 'invalid key', 400, 'invalid-request']],
  'invalid request': [
    ['list_plans', 's3/list_plans: invalid request', 400, 'invalid-request'],
    ['get_users', 's3/get_users: invalid request', 400, 'invalid-request'],
    ['delete_file', 'invalid request', 400, 'invalid-request', 'not-applied']
  ],
  'missing field': [
    ['get_users', 'Missing required keys: id', 400, 'invalid-request'],
    ['create_bucket', 'bucket_name required', 400, 'invalid-request', 'not-applied'],
    ['get_users', 'Empty message', 400, 'invalid-request']
  ],
  'invalid token': [
    'Invalid token',
    'token expired',
    'token is invalid',
    'session expired',
    'Invalid hash',
    'Authorization required',
    'unauthorized',
    'authentication failed'
  ].map((text): Row => ['get_users', text, 401, 'invalid-token']),
  forbidden: [
    'not authorized',
    'Permission denied',
    'access denied',
    'forbidden',
    'Ticket not found or you has no permissions',
    'IP not allowed'
  ].map((text): Row => ['get_buckets_rmq', text, 403, 'forbidden']),
  'assumed texts, by action': [
    ['get_buckets', 's3/get_buckets: Load bucket error: InvalidAccessKeyId', 502, 'upstream-storage-error'],
    ['delete_file', 'Delete S3 file error: SignatureDoesNotMatch', 502, 'upstream-storage-error', 'unknown'],
    ['get_files', 'The specified bucket does not exist', 404, 'bucket-not-found'],
    ['delete_file', 'does not exist', 404, 'file-not-found', 'not-applied'],
    ['show_key', 'no such user', 404, 'account-not-found'],
    ['history', 'unknown plan', 404, 'plan-not-found'],
    ['create_order', 'no such plan', 422, 'plan-not-orderable', 'not-applied'],
    ['create_order', 'duplicate bucket', 409, 'bucket-exists', 'not-applied'],
    ['delete_bucket', 'bucket is not empty', 409, 'bucket-not-empty', 'not-applied'],
    ['create_order', 'insufficient credit', 402, 'payment-required', 'not-applied'],
    ['get_buckets', 'service suspended', 402, 'payment-required'],
    ['create_account', 'quota exceeded', 409, 'limit-reached', 'not-applied'],
    ['create_order', 'invalid bucket name', 422, 'invalid-bucket-name', 'not-applied'],
    ['get_buckets_rmq', 'rabbit queue is down', 503, 'upstream-throttled'],
    ['delete_bucket', 'Delete S3 bucket error: SlowDown', 503, 'upstream-throttled', 'unknown'],
    ['get_files', 's3/get_files: Load S3 files error: time out', 504, 'upstream-timeout'],
    ['create_order', 'gateway timeout', 202, 'upstream-timeout', 'unknown'],
    ['get_users', 'wrong hash', 401, 'invalid-token'],
    ['get_users', 'expired token', 401, 'invalid-token']
  ]
}

/** Asserts an order with an unknown outcome, and its problem. */
const isOpen = (t: Test, reply: Reply, name: ProblemName) => {
  t.equal(reply.statusCode, 202, reply.text)
  t.hasStrict(reply.json(), { state: 'unknown', problem: { name } })
}

t.test('a refusal of HOSTKEY', async t => {
  const g = await gateway(t)
  const { control } = g.sandbox

  for (const [row, cases] of Object.entries(rows)) {
    t.test(row, async t => {
      for (const [action, text, status, problem, outcome] of cases) {
        t.test(`${status} ${problem} when ${action} is refused with "${text}"`, async t => {
          control.reset()
          control.fault({ kind: 'refusal', text, action })
          const reply = await sendSample(g, action)
          if (status === 202) isOpen(t, reply, problem)
          else fails(t, reply, status, problem, outcome === undefined ? {} : { outcome })
          if (status !== 202) t.equal(reply.json().outcome, outcome)
          t.equal(control.counters()[action], 1, 'sent once')
        })
      }
    })
  }
})

t.test('an unclassified refusal', async t => {
  const g = await gateway(t)
  const { control } = g.sandbox
  const usage = () => sendSample(g, 'get_buckets_rmq')
  t.beforeEach(() => control.reset())

  t.test('502 upstream-refused when the text is unknown: a reference, counted, logged, not retryable', async t => {
    control.fault({ kind: 'refusal', text: 'Flux capacitor misaligned' })
    g.lines.length = 0
    fails(t, await usage(), 502, 'upstream-refused', {
      retryable: false,
      upstream: { action: 'get_buckets_rmq', reference: referenceOf('Flux capacitor misaligned') }
    })
    const metrics = await (await fetch(`${g.managementUrl}/metrics`)).text()
    t.match(metrics, /^gateway_upstream_unclassified_refusals_total\{action="get_buckets_rmq"\} 1$/m)
    const logged = `"reference":"${referenceOf('Flux capacitor misaligned')}","upstreamText":"Flux capacitor misaligned"`
    t.ok(g.lines.some(line => line.includes(logged)))
  })

  t.test('502 upstream-refused, outcome unknown, when a write is refused with an unknown text', async t => {
    control.fault({ kind: 'refusal', text: 'Flux capacitor misaligned', action: 'delete_file' })
    fails(t, await sendSample(g, 'delete_file'), 502, 'upstream-refused', { outcome: 'unknown', retryable: false })
  })

  t.test('502 upstream-refused when a known text begins after 2,048 characters', async t => {
    control.fault({ kind: 'refusal', text: `${'x'.repeat(2030)} invalid token` })
    fails(t, await usage(), 401, 'invalid-token')
    control.clearFaults()
    control.fault({ kind: 'refusal', text: `${'x'.repeat(2048)} invalid token` })
    fails(t, await usage(), 502, 'upstream-refused')
  })

  for (const kind of ['bare-error', 'refusal'] as const) {
    t.test(`502 upstream-refused when HOSTKEY gives no reason (${kind})`, async t => {
      control.fault({ kind, text: '' })
      fails(t, await usage(), 502, 'upstream-refused', { upstream: { action: 'get_buckets_rmq', message: '' } })
    })
  }

  t.test(
    '502 upstream-refused: the log has at most 512 characters, without control characters and credentials',
    async t => {
      const token = g.sandbox.demo.token
      const [account] = control.state().accounts
      const text = `Odd\u0000 \u001b[31mred\r\nline\u202e token=${token} ${account?.secretKey} ${account?.accessKey} ${'long '.repeat(200)}`
      control.fault({ kind: 'refusal', text })
      g.lines.length = 0
      const reply = await usage()
      fails(t, reply, 502, 'upstream-refused')
      t.notOk(reply.text.includes('Odd'))
      const { upstreamText } = g.lines.map(line => JSON.parse(line)).find(({ upstreamText }) => upstreamText)
      t.match(upstreamText, /^Odd +\[31mred line +token=\[redacted\] \[redacted\] \[redacted\] long long/)
      t.ok(upstreamText.length <= 512)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested.
      t.notMatch(upstreamText, /[\u0000-\u001f\u007f\u202e]/)
    }
  )

  t.test('a text with SQL and paths reaches no caller, whatever problem a part of it means', async t => {
    for (const text of ['SQLSTATE[28000] Access denied for user api in /var/www/db.php:44', 'Fatal: quota at /srv/x']) {
      for (const action of ['get_buckets_rmq', 'create_bucket', 'delete_bucket'] as const) {
        control.reset()
        control.fault({ kind: 'refusal', text, action })
        const { upstream } = (await sendSample(g, action)).json()
        t.strictSame(upstream, { action, reference: referenceOf(text) }, `${action}: ${text}`)
      }
    }
  })
})
