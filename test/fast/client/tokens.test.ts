import t from 'tap'
import { createClient, isProblem } from '../../../client/src/index.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('a client makes a token, lists and ends it; and the sessions', async t => {
  const running = await gateway(t)
  const client = createClient({ baseUrl: running.url, token: running.sandbox.demo.token })
  const made = await client.tokens.create({ name: 'partner', scopes: ['plans:read'], expiresInSeconds: 60 })
  const partner = createClient({ baseUrl: running.url, token: made.token })
  t.ok((await partner.GET('/plans')).items.length > 0)
  t.strictSame(
    (await client.tokens.list()).map(({ name, tokenId }) => [name, tokenId]),
    [['partner', made.tokenId]]
  )
  await client.tokens.delete(made.tokenId)
  const refused = await partner.GET('/plans').catch((error: unknown) => error)
  t.ok(isProblem(refused) && refused.name === 'invalid-token')
  await createBrowser(running).logIn({ apiKey: running.sandbox.demo.apiKey })
  const [session] = await client.sessions.list()
  await client.sessions.delete(session?.sessionId ?? '')
  t.strictSame(await client.sessions.list(), [])
})
