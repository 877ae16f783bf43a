import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const partial = 'S3 account was created, but had an error: Bucket already exists'

t.test('POST /accounts', async t => {
  const { post, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  const sent = () => control.calls().find(({ action }) => action === 'create_account')?.fields
  const free = { planId: 1, bucketName: 'photos' }
  /** Its bucket name belongs to another customer: HOSTKEY creates the account without a bucket. */
  const withoutBucket = { planId: 1, bucketName: 'other-bucket' }
  t.beforeEach(() => control.reset())

  t.test('201 creates the account, with its address in Location', async t => {
    const reply = await post('/accounts', free)
    succeeds(t, reply, 201, { s3uid: 's3_user_100', planId: 1, location: 'NL', bucket: 'photos', warnings: [] })
    t.equal(reply.headers['location'], '/accounts/s3_user_100')
    t.hasStrict(sent(), { plan_id: '1', bucket_name: 'photos', location: 'NL' })
    t.equal(control.counters()['create_account'], 1)
  })

  t.test('201 at the requested location', async t => {
    const reply = await post('/accounts', { ...free, location: 'DE' })
    t.hasStrict(reply.json(), { location: 'DE', warnings: [] })
    t.equal(sent()?.['location'], 'DE')
  })

  t.test('201 with the warning bucket-name-unconfirmed when no list shows the bucket', async t => {
    control.setBehaviours({ listLag: 100 })
    const reply = await post('/accounts', free)
    t.equal(reply.statusCode, 201)
    t.match(reply.json(), { s3uid: 's3_user_100', bucket: null, warnings: [{ code: 'bucket-name-unconfirmed' }] })
    t.equal(reply.json().warnings.length, 1)
  })

  t.test(
    '201 with the warning account-created-with-error when HOSTKEY created the account without its bucket',
    async t => {
      const reply = await post('/accounts', withoutBucket)
      t.equal(reply.statusCode, 201, reply.text)
      t.equal(reply.headers['location'], '/accounts/s3_user_100')
      t.hasStrict(reply.json(), { s3uid: 's3_user_100', bucket: null })
      t.match(reply.json().warnings, [{ code: 'account-created-with-error', detail: partial }])
      t.equal(control.counters()['create_account'], 1)
    }
  )

  t.test('201 when the answer is lost and the account exists; it is sent once', async t => {
    control.fault({ kind: 'reset-after', action: 'create_account' })
    const reply = await post('/accounts', free)
    t.equal(reply.statusCode, 201, reply.text)
    t.hasStrict(reply.json(), { s3uid: 's3_user_100', bucket: 'photos' })
    t.equal(control.counters()['create_account'], 1)
  })

  t.test('402 payment-required, not applied, when HOSTKEY requires payment', async t => {
    control.fault({ kind: 'refusal', text: 'issue service paid', action: 'create_account' })
    fails(t, await post('/accounts', free), 402, 'payment-required', { outcome: 'not-applied', retryable: false })
  })

  t.test('409 limit-reached when the customer already has a free account', async t => {
    await post('/accounts', free)
    const reply = await post('/accounts', { planId: 1, bucketName: 'more-photos' })
    fails(t, reply, 409, 'limit-reached', { outcome: 'not-applied', retryable: false })
  })

  t.test(
    '422 plan-not-orderable when the plan has a price, is withdrawn or is missing; nothing is created',
    async t => {
      for (const planId of [2, 3, 77]) {
        control.clearCalls()
        const reply = await post('/accounts', { planId, bucketName: 'photos' })
        fails(t, reply, 422, 'plan-not-orderable', { outcome: 'not-applied', retryable: false })
        t.strictSame(asked(), ['list_plans'])
      }
    }
  )

  t.test('422 location-not-offered when the plan is not offered there; nothing is created', async t => {
    const reply = await post('/accounts', { ...free, location: 'US' })
    fails(t, reply, 422, 'location-not-offered', {
      outcome: 'not-applied',
      errors: [{ in: 'body', pointer: '/location', code: 'not-listed', detail: 'must be one of NL, DE' }]
    })
    t.strictSame(asked(), ['list_plans'])
  })

  t.test('502 account-state-unknown, outcome partial, when the created account cannot be found', async t => {
    control.setBehaviours({ accountLag: 100 })
    fails(t, await post('/accounts', withoutBucket), 502, 'account-state-unknown', {
      outcome: 'partial',
      retryable: false,
      upstream: { action: 'create_account', message: partial }
    })
    t.equal(control.counters()['create_account'], 1)
  })

  t.test('502 upstream-bad-response, outcome unknown, when the answer is lost and no account exists', async t => {
    control.fault({ kind: 'html-502', action: 'create_account' })
    fails(t, await post('/accounts', free), 502, 'upstream-bad-response', { outcome: 'unknown', retryable: false })
    t.equal(control.counters()['create_account'], 1)
  })

  t.test('504 upstream-timeout, not applied, when the plans cannot be read; nothing is created', async t => {
    control.fault({ kind: 'refusal', text: 's3/list_plans: timeout', action: 'list_plans' })
    fails(t, await post('/accounts', free), 504, 'upstream-timeout', { outcome: 'not-applied', retryable: true })
    t.strictSame(asked(), ['list_plans'])
  })
})
