import { randomUUID } from 'node:crypto'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { type Gateway, gateway } from '../../support/harness/gateway.ts'

const partial = 'S3 account was created, but had an error: Bucket already exists'

t.test('POST /accounts', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control } = sandbox
  let running: Gateway
  // Another gateway for each test: one that has seen too many failures sends nothing for a while.
  t.beforeEach(async t => {
    control.reset()
    running = await gateway(t, {}, { sandbox })
  })
  const post: Gateway['post'] = (...request) => running.post(...request)
  const asked = () => running.asked()
  const sent = () => control.calls().find(({ action }) => action === 'create_account')?.fields
  const free = { planId: 1, bucketName: 'photos' }

  t.test('201 creates the account, and says where it is', async t => {
    const reply = await post('/accounts', free)
    succeeds(t, reply, 201, { s3uid: 's3_user_100', planId: 1, location: 'NL', bucket: 'photos', warnings: [] })
    t.equal(reply.headers['location'], '/accounts/s3_user_100')
    t.hasStrict(sent(), { plan_id: '1', bucket_name: 'photos', location: 'NL' })
    t.equal(control.counters()['create_account'], 1)
  })

  t.test('201 at the location that was asked for', async t => {
    const reply = await post('/accounts', { ...free, location: 'DE' })
    t.hasStrict(reply.json(), { location: 'DE', warnings: [] })
    t.equal(sent()?.['location'], 'DE')
  })

  t.test('201 with the actual name of the bucket when HOSTKEY puts a prefix before it', async t => {
    control.setBehaviours({ bucketPrefix: 'on' })
    const { bucket, warnings } = (await post('/accounts', free)).json()
    t.match(bucket, /^b[0-9a-f]{8}-photos$/)
    t.strictSame(warnings, [])
  })

  t.test('201 when the lists show the account and its bucket late', async t => {
    control.setBehaviours({ listLag: 1, accountLag: 1 })
    t.hasStrict((await post('/accounts', free)).json(), { bucket: 'photos', warnings: [] })
  })

  t.test('201 with the warning bucket-name-unconfirmed when the bucket is not listed yet', async t => {
    control.setBehaviours({ listLag: 100 })
    const reply = await post('/accounts', free)
    t.equal(reply.statusCode, 201)
    t.hasStrict(reply.json(), { s3uid: 's3_user_100', bucket: null })
    t.strictSame(
      reply.json().warnings.map(({ code }: { code: string }) => code),
      ['bucket-name-unconfirmed']
    )
  })

  t.test(
    '201 with the warning account-created-with-error when HOSTKEY made the account and not the bucket',
    async t => {
      const reply = await post('/accounts', { planId: 1, bucketName: 'other-bucket' })
      t.equal(reply.statusCode, 201, reply.text)
      t.equal(reply.headers['location'], '/accounts/s3_user_100')
      t.hasStrict(reply.json(), { s3uid: 's3_user_100', bucket: null })
      t.match(reply.json().warnings, [{ code: 'account-created-with-error', detail: partial }])
      t.equal(control.counters()['create_account'], 1)
    }
  )

  t.test('201 with that warning when the account appears late', async t => {
    control.setBehaviours({ accountLag: 1 })
    const reply = await post('/accounts', { planId: 1, bucketName: 'other-bucket' })
    t.hasStrict(reply.json(), { s3uid: 's3_user_100', bucket: null })
  })

  t.test('502 account-state-unknown, outcome partial, when the account cannot be found', async t => {
    control.setBehaviours({ accountLag: 100 })
    const reply = await post('/accounts', { planId: 1, bucketName: 'other-bucket' })
    fails(t, reply, 502, 'account-state-unknown', {
      outcome: 'partial',
      retryable: false,
      upstream: { action: 'create_account', message: partial }
    })
    t.equal(control.counters()['create_account'], 1)
  })

  for (const kind of ['html-502-after', 'reset-after', 'truncated', 'warning', 'reset-mid-body'] as const) {
    t.test(`201 when the answer is lost (${kind}) and the account is there: sent once`, async t => {
      control.fault({ kind, action: 'create_account' })
      const reply = await post('/accounts', free)
      t.equal(reply.statusCode, 201, reply.text)
      t.hasStrict(reply.json(), { s3uid: 's3_user_100', bucket: 'photos' })
      t.equal(control.counters()['create_account'], 1)
    })
  }

  t.test(
    '502 upstream-bad-response, outcome unknown, when the answer is lost and no account is there: sent once',
    async t => {
      control.fault({ kind: 'html-502', action: 'create_account' })
      fails(t, await post('/accounts', free), 502, 'upstream-bad-response', { outcome: 'unknown', retryable: false })
      t.equal(control.counters()['create_account'], 1)
    }
  )

  t.test('409 limit-reached when the customer has a free account already', async t => {
    await post('/accounts', free)
    const reply = await post('/accounts', { planId: 1, bucketName: 'more-photos' })
    fails(t, reply, 409, 'limit-reached', { outcome: 'not-applied', retryable: false })
  })

  for (const [planId, why] of [
    [2, 'costs money'],
    [3, 'is withdrawn'],
    [77, 'does not exist']
  ] as const) {
    t.test(`422 plan-not-orderable when the plan ${why}, and nothing is created`, async t => {
      const reply = await post('/accounts', { planId, bucketName: 'photos' })
      fails(t, reply, 422, 'plan-not-orderable', { outcome: 'not-applied', retryable: false })
      t.strictSame(asked(), ['list_plans'])
    })
  }

  t.test('422 location-not-offered names the locations that are, and nothing is created', async t => {
    const reply = await post('/accounts', { ...free, location: 'US' })
    fails(t, reply, 422, 'location-not-offered', {
      outcome: 'not-applied',
      errors: [{ in: 'body', pointer: '/location', detail: 'must be one of NL, DE' }]
    })
    t.match(reply.json().detail, /US.*NL, DE/)
    t.strictSame(asked(), ['list_plans'])
  })

  t.test('402 payment-required when HOSTKEY wants money all the same: the outcome is unknown', async t => {
    control.fault({ kind: 'refusal', text: 'issue service paid', action: 'create_account' })
    fails(t, await post('/accounts', free), 402, 'payment-required', { outcome: 'unknown', retryable: false })
  })

  t.test('504 upstream-timeout, not applied, when the plans cannot be read before anything is sent', async t => {
    control.fault({ kind: 'refusal', text: 's3/list_plans: timeout', action: 'list_plans' })
    fails(t, await post('/accounts', free), 504, 'upstream-timeout', { outcome: 'not-applied', retryable: true })
    t.strictSame(asked(), ['list_plans'])
  })
})
