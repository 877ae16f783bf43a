import { randomBytes } from 'node:crypto'
import { COOKIE } from '../../../../src/auth/cookie.ts'
import { tokenFor } from '../../../support/harness/fresh-token.ts'
import { withServices } from '../../../support/harness/services.ts'
import { bodyWith, byRequest, type Pair, type Provocations, sendChanged } from './provocation.ts'

/** A well-formed cookie of no session. */
const unknownCookie = `${COOKIE}=${'A'.repeat(22)}.${'B'.repeat(43)}`
/** Another each time: the gateway remembers a refused one for some seconds. */
const unknownToken = () => randomBytes(16).toString('hex')

/** Refused credentials. */
export const credentials: Provocations = {
  unauthenticated: byRequest(() => ({ token: null })),
  'invalid-token': byRequest(({ operation }) =>
    operation.operationId === 'createSession' ? { body: { token: unknownToken() } } : { token: unknownToken() }
  ),
  'session-expired': byRequest(() => ({ token: null, headers: { cookie: unknownCookie, 'x-csrf': '1' } })),
  'csrf-rejected': byRequest(() => ({
    token: null,
    headers: { cookie: unknownCookie },
    parameters: { 'x-csrf': undefined }
  })),
  'https-required': byRequest(() => ({
    token: null,
    headers: { host: 'nas.lan', origin: 'http://nas.lan', 'x-csrf': '1' }
  })),
  'insufficient-scope': async ({ t }) => {
    const { as, ...running } = await withServices(
      t,
      { watcher: { scopes: ['admin'] }, limited: { scopes: ['files:read'], pathPrefix: 'a/' } },
      { PUBLIC_URL: 'https://s3.example.com/' }
    )
    const needsScope = ({ operation }: Pair) => operation['x-required-scope'] !== 'none'
    return pair => sendChanged(running, pair, needsScope(pair) ? as.watcher : as.limited)
  },
  'invalid-credentials': byRequest(pair => ({
    body: bodyWith(pair, { apiKey: `${'0'.repeat(16)}-${'0'.repeat(16)}` })
  })),
  'api-key-login-unavailable': byRequest((pair, { plain }) => ({
    body: bodyWith(pair, { apiKey: plain.sandbox.control.customer('storage-only').apiKeys[0]?.key })
  })),
  'two-factor-required':
    async ({ plain }) =>
    async pair => {
      const { url, control } = plain.sandbox
      const { email, password } = control.customer('two-factor')
      if (pair.operation.operationId === 'createSession') return sendChanged(plain, pair, { body: { email, password } })
      control.setBehaviours({ pendingInfo: 'answered' })
      const token = await tokenFor(url, { user: email, password })
      // A list identifies the token only when the accounts of another customer are requested.
      const parameters = pair.operation.operationId === 'listAccounts' ? { customerId: 1004 } : {}
      return sendChanged(plain, pair, { token, parameters })
    }
}
