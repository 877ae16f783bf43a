import t from 'tap'
import { fails } from '../support/expect.ts'
import { withServices } from '../support/services.ts'

const STYLES = ['invalid-hash', 'code-2', 'code-1', 'http-401'] as const
const CALLS = 1000

const SCOPES = [
  'accounts:read',
  'accounts:write',
  'accounts:delete',
  'buckets:write',
  'orders:write',
  'plans:read'
] as const

// 110 s: a busy machine takes seconds for a thousand calls.
t.setTimeout(110_000)

for (const authFailure of STYLES) {
  t.test(`T-RELOGIN: when HOSTKEY refuses the token by ${authFailure}`, async t => {
    // Each with an API key of its own: one that was renewed a moment ago is not renewed again.
    const { as, get, post, sandbox, logins } = await withServices(t, {
      thousand: {},
      refused: { customer: 'admin' },
      buckets: { customer: 'other', scopes: ['accounts:read', 'buckets:write'] }
    })
    const { control } = sandbox
    control.set({ authFailure })

    t.test(`200 for each of ${CALLS} calls at once, and one login`, async t => {
      t.equal((await get('/accounts', as.thousand)).statusCode, 200)
      control.expireSessions()
      control.clearCalls()
      const replies = await Promise.all(
        // Each asks something else: who asks the same shares one call.
        Array.from({ length: CALLS }, (_, n) => get(`/accounts?limit=${n + 1}`, as.thousand))
      )
      t.same([...new Set(replies.map(({ statusCode }) => statusCode))], [200])
      t.equal(logins(), 1)
      const asked = control.counters()['get_users'] ?? 0
      t.ok(asked >= CALLS && asked <= 2 * CALLS, `${asked} calls: each is repeated once at most`)
    })

    t.test('201 for a write that may not bill, which is repeated', async t => {
      t.equal((await get('/accounts', as.buckets)).statusCode, 200)
      control.fault({ kind: 'expire-sessions', action: 'create_bucket', count: 1 })
      control.clearCalls()
      const reply = await post('/accounts/s3_user_2/buckets', { name: 'photos' }, as.buckets)
      t.equal(reply.statusCode, 201, reply.text)
      t.equal(logins(), 1)
      t.equal(control.counters()['create_bucket'], 2)
    })

    t.test('503 when the fresh token is refused too, and no login for each call', async t => {
      t.equal((await get('/accounts', as.refused)).statusCode, 200)
      control.fault({ kind: 'auth-failure', action: 'get_users' })
      control.clearCalls()
      for (let i = 0; i < 5; i += 1) {
        fails(t, await get('/accounts', as.refused), 503, 'upstream-unavailable', { retryable: true })
      }
      t.equal(logins(), 1)
    })
  })

  t.test(`what makes, orders or ends an account, refused by ${authFailure}`, async t => {
    const scopes = [...SCOPES]
    const { as, get, post, del, sandbox, logins } = await withServices(t, {
      maker: { customer: 'two-factor', scopes },
      buyer: { customer: 'demo', scopes },
      remover: { customer: 'other', scopes }
    })
    const { control } = sandbox
    control.set({ authFailure })
    const headers = { 'idempotency-key': 'k'.repeat(16), 'confirm-delete': 's3_user_2' }
    const send = {
      create_account: () => post('/accounts', { planId: 1, bucketName: 'made', location: 'NL' }, as.maker),
      create_order: () => post('/orders', { planId: 2, bucketName: 'ordered' }, { ...as.buyer, headers }),
      delete_account: () => del('/accounts/s3_user_2', { ...as.remover, headers })
    }

    for (const [action, who] of [
      ['create_account', as.maker],
      ['create_order', as.buyer],
      ['delete_account', as.remover]
    ] as const) {
      t.test(`503 and sent once: ${action}`, async t => {
        t.equal((await get('/accounts', who)).statusCode, 200)
        const accounts = control.state().accounts.length
        control.fault({ kind: 'expire-sessions', action, count: 1 })
        control.clearCalls()
        const reply = await send[action]()
        fails(t, reply, 503, 'upstream-unavailable', { outcome: 'not-applied', retryable: true })
        t.ok(reply.headers['retry-after'])
        t.equal(control.counters()[action], 1)
        t.equal(logins(), 1)
        t.equal(control.state().accounts.length, accounts)
        const again = await send[action]()
        t.ok([201, 204].includes(again.statusCode), `sent again, it is done: ${again.text}`)
      })
    }
  })
}

t.test('when HOSTKEY refuses otherwise', async t => {
  const { as, get, sandbox, logins } = await withServices(
    t,
    { reports: {}, other: { customer: 'other' } },
    {
      UPSTREAM_TIMEOUT_MS: '500'
    }
  )
  const { control } = sandbox

  t.test('503 while logins are not answered, and 200 as soon as they are', async t => {
    for (const kind of ['hang', 'html-503', 'reset-before', 'html-200'] as const) {
      control.fault({ kind, action: 'login', count: 1 })
      const reply = await get('/accounts', as.reports)
      fails(t, reply, 503, 'upstream-unavailable', { retryable: true })
      t.ok(reply.headers['retry-after'], kind)
    }
    t.equal((await get('/accounts', as.reports)).statusCode, 200)
  })

  t.test('403 forbidden for `Permission denied`, and no login', async t => {
    await get('/accounts', as.reports)
    control.clearCalls()
    for (const text of ['Permission denied', 'Access denied', 'You has no permissions']) {
      control.fault({ kind: 'refusal', action: 'get_users', text, count: 1 })
      fails(t, await get('/accounts', as.reports), 403, 'forbidden')
    }
    t.equal(logins(), 0)
    t.equal(control.counters()['get_users'], 3)
  })

  t.test('503 for 30 s after the key was refused, on one login', async t => {
    const key = control.customer('other').apiKeys[0]
    if (key) key.active = false
    control.clearCalls()
    const replies = await Promise.all(Array.from({ length: 100 }, () => get('/accounts', as.other)))
    replies.push(await get('/accounts', as.other))
    for (const reply of replies) {
      fails(t, reply, 503, 'upstream-unavailable')
      t.equal(reply.headers['retry-after'], '30')
    }
    t.equal(logins(), 1)
    t.equal(control.counters()['get_users'], undefined)
  })
})

t.test('renews before the token ends', async t => {
  const { as, get, sandbox, logins } = await withServices(t, { reports: {} })
  // HOSTKEY's clock is 8 h behind ours but for half a minute: what it issues ends within a minute here.
  sandbox.control.advance(-8 * 3600 + 30)
  await get('/accounts', as.reports)
  sandbox.control.advance(8 * 3600 - 30)
  sandbox.control.clearCalls()
  t.equal((await get('/accounts', as.reports)).statusCode, 200)
  t.equal(logins(), 1, 'though the token is not refused yet')
  await get('/accounts', as.reports)
  t.equal(logins(), 1)
})
