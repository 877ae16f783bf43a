import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { fakeUpstream } from '../../support/fakes/upstream.ts'
import { type Gateway, gateway } from '../../support/harness/gateway.ts'

const PATH = '/accounts/s3_user_1/termination'
const confirmed = (name: string) => ({ headers: { 'confirm-delete': name } })

const endOf = ({ sandbox }: Gateway, s3uid = 's3_user_1') =>
  sandbox.control.state().accounts.find(account => account.s3uid === s3uid)?.cancelDate

t.test('PUT and DELETE /accounts/:s3uid/termination', async t => {
  const app = await gateway(t)
  const { send, del, asked, sandbox, auditRecords } = app
  const put = (path: string, options = {}) => send('PUT', path, options)

  t.test('428 confirmation-required and 412 confirmation-mismatch send nothing to HOSTKEY', async t => {
    for (const options of [{}, confirmed(''), confirmed(' ')]) {
      fails(t, await put(PATH, options), 428, 'confirmation-required', { outcome: 'not-applied' })
    }
    for (const other of ['s3_user_2', 'S3_USER_1', '"s3_user_1"', 's3_user_1, s3_user_1', '*']) {
      fails(t, await put(PATH, confirmed(other)), 412, 'confirmation-mismatch', { outcome: 'not-applied' })
    }
    fails(t, await send('PUT', PATH, { ...confirmed('s3_user_1'), body: { now: true } }), 400, 'invalid-request')
    t.strictSame(asked(), [])
  })

  t.test('200 names the day, also when repeated; 204 undoes it, also when repeated', async t => {
    for (const again of [false, true]) {
      const reply = await put(PATH, confirmed('s3_user_1'))
      t.match(endOf(app), /^\d{4}-\d\d-\d\d$/, again ? 'again' : 'once')
      succeeds(t, reply, 200, { effectiveAt: `${endOf(app)}T00:00:00Z` })
    }
    for (const _ of [1, 2]) {
      succeeds(t, await del(PATH), 204, '')
      t.equal(endOf(app), undefined)
    }
    t.strictSame(asked(), [
      ...Array(2).fill('delete_payment_account'),
      ...Array(2).fill('cancel_payment_account_deletion')
    ])
    t.strictSame(
      auditRecords()
        .map(({ event, outcome, s3uid }) => [event, outcome, s3uid])
        .slice(-4),
      [
        ...Array(2).fill(['account.terminate', 'ok', 's3_user_1']),
        ...Array(2).fill(['account.keep', 'ok', 's3_user_1'])
      ]
    )
  })

  t.test('404 account-not-found when the account is another customer’s', async t => {
    const other = '/accounts/s3_user_2/termination'
    fails(t, await put(other, confirmed('s3_user_2')), 404, 'account-not-found', { outcome: 'not-applied' })
    fails(t, await del(other), 404, 'account-not-found', { outcome: 'not-applied' })
  })

  t.test('409 not-a-paid-account when HOSTKEY bills no service for it', async t => {
    const token = sandbox.control.tokenOf('storage-only')
    const free = '/accounts/s3_user_3/termination'
    const refused = { outcome: 'not-applied', retryable: false }
    fails(t, await put(free, { token, ...confirmed('s3_user_3') }), 409, 'not-a-paid-account', refused)
    fails(t, await del(free, { token }), 409, 'not-a-paid-account', refused)
  })

  t.test('200 with null when HOSTKEY names no day that can be read', async t => {
    const messages = [null, 'ends soon', [], {}, { cancellation_date: '0000-00-00' }, { until: '2026-01-31' }]
    const queue = [...messages]
    const { url, calls } = await fakeUpstream(t, { delete_payment_account: () => ({ message: queue.shift() }) })
    const other = await gateway(t, { UPSTREAM_URL: url })
    for (const _ of messages) {
      succeeds(t, await other.send('PUT', PATH, confirmed('s3_user_1')), 200, { effectiveAt: null })
    }
    t.equal(calls.length, messages.length)
  })
})

t.test('501 not-offered-upstream when HOSTKEY does not know the action', async t => {
  const { send, del, sandbox } = await gateway(t)
  sandbox.control.setBehaviours({ terminations: 'absent' })
  const refused = { outcome: 'not-applied', retryable: false }
  fails(t, await send('PUT', PATH, confirmed('s3_user_1')), 501, 'not-offered-upstream', refused)
  fails(t, await del(PATH), 501, 'not-offered-upstream', refused)
})

t.test('a lost answer is `unknown`: sent once, and no read is taken for a proof', async t => {
  const { send, del, asked, sandbox } = await gateway(t)
  const lost = { outcome: 'unknown', retryable: false }
  for (const kind of ['reset-after', 'truncated'] as const) {
    sandbox.control.reset()
    for (const action of ['delete_payment_account', 'cancel_payment_account_deletion']) {
      sandbox.control.fault({ kind, action })
    }
    const [status, problem] =
      kind === 'truncated' ? ([502, 'upstream-bad-response'] as const) : ([504, 'upstream-timeout'] as const)
    fails(t, await send('PUT', PATH, confirmed('s3_user_1')), status, problem, lost)
    fails(t, await del(PATH), status, problem, lost)
    t.strictSame(asked(), ['delete_payment_account', 'cancel_payment_account_deletion'], kind)
  }
})

t.test('ACCOUNT_DELETION=off and WRITES=off remove both', async t => {
  for (const name of ['ACCOUNT_DELETION', 'WRITES']) {
    const { send, del, asked } = await gateway(t, { [name]: 'off' })
    fails(t, await send('PUT', PATH, confirmed('s3_user_1')), 403, 'switched-off')
    fails(t, await del(PATH), 403, 'switched-off')
    t.strictSame(asked(), [])
  }
})
