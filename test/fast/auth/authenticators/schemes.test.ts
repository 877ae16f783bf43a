import t from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { withServices } from '../../../support/harness/services.ts'

const FOREIGN = ['Basic dXNlcjpwYXNzd29yZA==', 'Digest username="x"', 'Negotiate YII=', 'Basic', 'x']

t.test('a scheme that is not Bearer', async t => {
  const running = await gateway(t)
  const browser = createBrowser(running)
  await browser.logIn({ apiKey: running.sandbox.demo.apiKey })

  for (const authorization of FOREIGN) {
    t.test(`${authorization}: the session counts, and without one 401 asks for Bearer`, async t => {
      t.equal((await browser.get('/accounts', { headers: { authorization } })).statusCode, 200)
      const reply = await running.get('/accounts', { token: null, headers: { authorization } })
      fails(t, reply, 401, 'unauthenticated')
      t.equal(reply.headers['www-authenticate'], 'Bearer realm="hostkey-s3-gateway"')
    })
  }

  t.test('401 invalid-token for a Bearer without a token, also with a session', async t => {
    for (const authorization of ['Bearer', 'bearer a b']) {
      const reply = await browser.get('/accounts', { headers: { authorization } })
      fails(t, reply, 401, 'invalid-token')
      t.match(reply.headers['www-authenticate'], /error="invalid_token"/)
    }
  })
})

t.test('a service credential in another form is refused here, and never sent to HOSTKEY', async t => {
  const { as, get, post, sandbox } = await withServices(t, { billing: {} })
  const { token } = as.billing
  const forms = [
    token.toUpperCase(),
    token.replace('hks', 'Hks'),
    `"${token}"`,
    `'${token}'`,
    `<${token}>`,
    `${token}=`,
    `${token},`,
    `x${token}`,
    token.replaceAll('_', '%5F')
  ]
  for (const form of [...forms, `Bearer ${token}`, `"${token} "`]) {
    fails(t, await get('/accounts', { token: form }), 401, 'invalid-token')
  }
  fails(t, await get('/accounts', { token: forms[0] ?? '' }), 401, 'invalid-token', {
    detail: 'The service credential is malformed: send `Bearer hks_<id>_<secret>` as it was issued, without quotes.'
  })
  for (const member of ['token', 'apiKey']) {
    const reply = await post('/session', { [member]: token }, { token: null, headers: { 'x-csrf': '1' } })
    fails(t, reply, 400, 'invalid-request', {
      errors: [{ in: 'body', pointer: `/${member}`, code: 'not-allowed', detail: 'is a service credential' }]
    })
  }
  t.strictSame(sandbox.control.calls(), [])
})
