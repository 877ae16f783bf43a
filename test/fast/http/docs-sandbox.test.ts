import t from 'tap'
import { gateway } from '../../support/harness/gateway.ts'

const X_CSRF = { 'x-csrf': '1' }

t.test('/docs in front of the sandbox', async t => {
  const { sandbox, url } = await gateway(t, {}, { isEphemeral: true })
  /** Not by the harness: the page is not in the API document, and is given a credential on purpose. */
  const press = (action: string, headers: Record<string, string>) =>
    fetch(`${url}/docs/sandbox/${action}`, { method: 'POST', headers })
  const files = () => sandbox.control.state().buckets.find(({ name }) => name === 'empty-bucket')?.files.length

  t.test('200 with the demo credentials', async t => {
    const reply = await press('demo', X_CSRF)
    t.equal(reply.headers.get('cache-control'), 'no-store')
    t.same(await reply.json(), sandbox.demo)
  })

  t.test('403 csrf-rejected without the header that other sites cannot send', async t => {
    sandbox.control.putFile('empty-bucket', 'a-file')
    for (const action of ['demo', 'reset']) {
      const reply = await press(action, {})
      t.equal(reply.status, 403)
      t.match(await reply.json(), { type: /csrf-rejected$/ })
    }
    t.equal(files(), 1)
  })

  t.test('200 restores the initial data', async t => {
    t.equal((await press('reset', X_CSRF)).status, 200)
    t.equal(files(), 0)
  })
})

t.test('405 in front of another HOSTKEY, whose page has no such buttons', async t => {
  const { post, get } = await gateway(t)
  const reply = await post('/docs/sandbox/reset', undefined, { token: null, headers: X_CSRF })
  t.equal(reply.statusCode, 405)
  t.notMatch((await get('/docs/static/theme/page.js', { token: null })).text, 'sandbox')
})
