import t from 'tap'
import { customerScopes } from '../../../../schemas/scopes.ts'
import { fails } from '../../../support/assert/expect.ts'
import { withServices } from '../../../support/harness/services.ts'

t.test('the credential of a service', async t => {
  const yesterday = new Date(Date.now() - 24 * 3600 * 1000).toISOString()
  const services = { reports: {}, old: { expiresAt: yesterday } }
  const { as, get, sandbox } = await withServices(t, services)
  const { control } = sandbox

  t.test('200 after a login with an explicit time to live', async t => {
    control.clearCalls()
    t.equal((await get('/accounts', as.reports)).statusCode, 200)
    const [login, users, ...others] = control.calls()
    t.match(login, { action: 'login', fields: { ttl: '28800', fix_ip: '0' } })
    t.match(users, { action: 'get_users' })
    t.same(others, [])
  })

  t.test('401 invalid-token with any other credential; HOSTKEY is not called', async t => {
    control.clearCalls()
    const { token } = as.reports
    const wrong = [
      `${token}x`,
      token.slice(0, -1),
      token.replace('reports', 'report'),
      token.replace('hks_', 'hks_x'),
      'hks_',
      'hks_reports_'
    ]
    for (const token of wrong) {
      const reply = await get('/accounts', { token })
      fails(t, reply, 401, 'invalid-token')
      t.match(reply.headers['www-authenticate'], /^Bearer .*error="invalid_token"/)
    }
    fails(t, await get('/accounts', as.old), 401, 'invalid-token', { detail: 'The service credential has expired.' })
    t.same(control.calls(), [])
  })

  t.test('200 GET /session returns the scopes of the service and the customer of its API key', async t => {
    t.match((await get('/session', as.reports)).json(), { customerId: 1002, scopes: ['accounts:read', 'buckets:read'] })
  })
})

t.test('the scopes of a service', async t => {
  const { as, get, post, del, send, sandbox, auditRecords } = await withServices(t, {
    reports: {},
    writer: { scopes: ['buckets:write'] },
    all: { scopes: [...customerScopes] },
    admin: { scopes: [...customerScopes, 'admin'], customer: 'admin' }
  })
  const { control } = sandbox
  await get('/accounts', as.reports)

  t.test('403 insufficient-scope before the request is validated and before HOSTKEY is called', async t => {
    control.clearCalls()
    const refused = [
      ['POST', '/accounts/s3_user_1/buckets', 'buckets:write'],
      ['POST', '/accounts', 'accounts:write'],
      ['DELETE', '/accounts/s3_user_1', 'accounts:delete'],
      ['DELETE', '/accounts/s3_user_1/buckets/logs', 'buckets:write'],
      ['DELETE', '/accounts/s3_user_1/buckets/logs/files?path=x', 'files:delete'],
      ['GET', '/accounts/s3_user_1/buckets/logs/files?limit=nonsense', 'files:read'],
      ['GET', '/accounts/s3_user_1/keys/no-such-kind', 'keys:read'],
      ['GET', '/plans', 'plans:read'],
      ['POST', '/orders', 'orders:write']
    ] as const
    for (const [method, target, scope] of refused) {
      const body = method === 'POST' ? { body: { nonsense: true } } : {}
      const reply = await send(method, target, { ...as.reports, ...body })
      fails(t, reply, 403, 'insufficient-scope', { detail: `This operation needs the scope ${scope}.` })
    }
    t.same(control.calls(), [])
    t.match(
      auditRecords()
        .filter(({ event }) => event === 'scope.refused')
        .at(-1),
      {
        operation: 'createOrder',
        scope: 'orders:write',
        outcome: 'insufficient-scope',
        caller: 'service:reports',
        authScheme: 'service'
      }
    )
  })

  t.test('a scope allows its own operations only', async t => {
    const created = await post('/accounts/s3_user_1/buckets', { name: 'created-by-writer' }, as.writer)
    t.equal(created.statusCode, 201, created.text)
    fails(t, await get('/accounts/s3_user_1/buckets', as.writer), 403, 'insufficient-scope')
    t.equal((await get('/accounts/s3_user_1/keys/access-key', as.all)).statusCode, 200)
  })

  t.test('403 insufficient-scope for the filters of administrators', async t => {
    for (const query of ['customerId=1005', 'email=other@example.com', 'billing=com']) {
      fails(t, await get(`/accounts?${query}`, as.all), 403, 'insufficient-scope')
      t.equal((await get(`/accounts?${query}`, as.admin)).statusCode, 200, query)
    }
  })

  t.test('403 forbidden when a service would end sessions', async t => {
    fails(t, await del('/sessions', as.all), 403, 'forbidden')
  })
})

t.test('the accounts of a service', async t => {
  const { as, get, post, send, sandbox } = await withServices(t, {
    one: { scopes: [...customerScopes], accounts: ['s3_user_1', 's3_user_2'] },
    none: { scopes: [...customerScopes], accounts: ['s3_user_9'] },
    all: { scopes: [...customerScopes] },
    admin: { scopes: [...customerScopes, 'admin'], accounts: ['s3_user_2'], customer: 'admin' }
  })
  const { control } = sandbox
  const namesFor = async (who: { token: string }, query = '') =>
    (await get(`/accounts${query}`, who)).json().items.map(({ s3uid }: { s3uid: string }) => s3uid)

  t.test('404 account-not-found for any other account; HOSTKEY is not called', async t => {
    const second = await post('/accounts', { planId: 1, bucketName: 'second', location: 'NL' }, as.all)
    t.equal(second.statusCode, 201, second.text)
    const { s3uid } = second.json()
    control.clearCalls()
    for (const [method, target] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/buckets'],
      ['POST', '/buckets'],
      ['DELETE', '/buckets/second'],
      ['GET', '/buckets/second/files'],
      ['DELETE', '/buckets/second/files?path=a'],
      ['DELETE', '/buckets/second/files/a'],
      ['GET', '/usage'],
      ['GET', '/keys/secret-key']
    ] as const) {
      const body = method === 'POST' ? { body: { name: 'third' } } : {}
      const headers = { 'confirm-delete': s3uid }
      fails(
        t,
        await send(method, `/accounts/${s3uid}${target}`, { ...as.one, headers, ...body }),
        404,
        'account-not-found'
      )
    }
    t.same(control.calls(), [])
    t.equal((await get('/accounts/s3_user_1/buckets', as.one)).statusCode, 200)
  })

  t.test('the list shows no other accounts, whatever the query', async t => {
    t.equal((await namesFor(as.all)).length, 2)
    t.same(await namesFor(as.one), ['s3_user_1'])
    t.same(await namesFor(as.none), [])
    t.same(await namesFor(as.none, '?s3uid=s3_user_1'), [])
    t.ok((await get('/accounts?limit=1', as.one)).json().truncated)
    t.same(await namesFor(as.one, '?limit=1&sort=-id'), ['s3_user_1'], 'the limit counts the accounts that are shown')
    t.same(await namesFor(as.admin), ['s3_user_2'])
  })
})

t.test('the orders of services with a list of accounts', async t => {
  const bound = { scopes: [...customerScopes], accounts: ['s3_user_9'] }
  const { as, get, post, sandbox } = await withServices(t, {
    one: bound,
    two: bound,
    all: { scopes: [...customerScopes] }
  })
  sandbox.control.setCredit('demo', 1_000_000)
  const key = { 'idempotency-key': 'k'.repeat(16) }
  const order = (who: { token: string }, bucketName: string, headers = key) =>
    post('/orders', { planId: 2, bucketName }, { ...who, headers })
  const first = await order(as.one, 'first')
  const { s3uid } = first.json()
  const other = { 'idempotency-key': 'o'.repeat(16) }
  const link = (await order(as.all, 'first', other)).json().links.order

  t.test('200 for the account that it has ordered, which is in its list; 404 for another service', async t => {
    t.equal(first.statusCode, 201, first.text)
    t.equal((await get(`/accounts/${s3uid}/buckets`, as.one)).statusCode, 200)
    fails(t, await get(`/accounts/${s3uid}/buckets`, as.two), 404, 'account-not-found')
    t.match((await get('/accounts', as.one)).json().items, [{ s3uid }])
    t.strictSame((await get('/accounts', as.two)).json().items, [])
  })

  t.test('an order of another service is 409 without its address, and 404 like one that does not exist', async t => {
    const refused = await order(as.two, 'first')
    fails(t, refused, 409, 'probable-duplicate-order')
    t.notMatch(refused.text, /orders|s3_user/)
    fails(t, await get(link, as.two), 404, 'order-not-found')
    t.equal((await get(link, as.one)).statusCode, 200)
    t.equal((await get(link, as.all)).statusCode, 200)
  })

  t.test('its key never replays the order of another service', async t => {
    const own = await order(as.two, 'second')
    t.equal(own.statusCode, 201, own.text)
    t.not(own.json().s3uid, s3uid)
    t.equal(own.headers['idempotency-replayed'], undefined)
    t.equal((await order(as.two, 'second')).headers['idempotency-replayed'], 'true')
  })
})

t.test('a service with the rate `high` has ten times the limits', async t => {
  const services = { usual: {}, busy: { rate: 'high' as const } }
  const { as, get } = await withServices(t, services, { RATE_LIMIT_MAX: '20' })
  const policyOf = async (who: { token: string }) => (await get('/accounts', who)).headers['ratelimit-policy']
  t.match(await policyOf(as.usual), /"caller";q=20;/)
  t.match(await policyOf(as.busy), /"caller";q=200;/)
})
