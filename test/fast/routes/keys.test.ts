import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('GET /accounts/:s3uid/keys/:kind', async t => {
  const { get, send, asked, sandbox, lines } = await gateway(t)
  const { control } = sandbox
  const [account] = control.state().accounts
  t.beforeEach(() => control.clearCalls())

  for (const [kind, theirs, value] of [
    ['access-key', 'access_key', account?.accessKey],
    ['secret-key', 'secret_key', account?.secretKey]
  ] as const) {
    t.test(`200 returns the ${kind}, not to be stored and not in the log`, async t => {
      const reply = await get(`/accounts/s3_user_1/keys/${kind}`)
      succeeds(t, reply, 200, { kind, value })
      t.equal(reply.headers['cache-control'], 'no-store')
      t.equal(reply.headers['etag'], undefined)
      t.hasStrict(control.calls().at(-1)?.fields, { action: 'show_key', s3uid: 's3_user_1', s3_key: theirs })
      t.notOk(lines.join('').includes(String(value)))
    })
  }

  t.test('400 invalid-request for any other kind; HOSTKEY is not called', async t => {
    for (const kind of ['access_key', 'secret_key', 'key', 'ACCESS-KEY', 'access-key%20']) {
      fails(t, await get(`/accounts/s3_user_1/keys/${kind}`), 400, 'invalid-request', {
        errors: [{ in: 'path', parameter: 'kind', code: 'not-listed', detail: 'must be one of access-key, secret-key' }]
      })
    }
    t.strictSame(asked(), [])
  })

  t.test('404 account-not-found when the account is another customer’s', async t => {
    fails(t, await get('/accounts/s3_user_2/keys/secret-key'), 404, 'account-not-found', { retryable: false })
  })

  t.test('200 and 404 for HEAD without reading a key', async t => {
    control.clearCalls()
    const { statusCode, headers } = await send('HEAD', '/accounts/s3_user_1/keys/secret-key')
    t.strictSame(
      [statusCode, headers['content-type'], headers['cache-control']],
      [200, 'application/json; charset=utf-8', 'no-store']
    )
    t.equal((await send('HEAD', '/accounts/s3_user_2/keys/secret-key')).statusCode, 404)
    t.strictSame(asked(), ['get_users', 'get_users'])
  })

  t.test('502 upstream-bad-response when the reply has no key', async t => {
    control.fault({ kind: 'empty-200' })
    fails(t, await get('/accounts/s3_user_1/keys/secret-key'), 502, 'upstream-bad-response')
  })
})
