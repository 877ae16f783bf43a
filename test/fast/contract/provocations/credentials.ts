import { COOKIE } from '../../../../src/auth/cookie.ts'
import { withServices } from '../../../support/harness/services.ts'
import { bodyWith, byRequest, type Provocations, sendChanged, tokenFor } from './provocation.ts'

/** Looks like a cookie of ours, and opens nothing. */
const madeUp = `${COOKIE}=${'A'.repeat(22)}.${'B'.repeat(43)}`
const NOBODYS_TOKEN = 'f'.repeat(32)

/** Callers that are not let in. */
export const credentials: Provocations = {
  unauthenticated: byRequest(() => ({ token: null })),
  'invalid-token': byRequest(({ operation }) =>
    operation.operationId === 'createSession' ? { body: { token: NOBODYS_TOKEN } } : { token: NOBODYS_TOKEN }
  ),
  'session-expired': byRequest(() => ({ token: null, headers: { cookie: madeUp, 'x-csrf': '1' } })),
  'csrf-rejected': byRequest(() => ({ token: null, headers: { cookie: madeUp }, parameters: { 'x-csrf': undefined } })),
  'insufficient-scope': async ({ t }) => {
    const { as, ...running } = await withServices(
      t,
      { watcher: { scopes: ['admin'] } },
      { PUBLIC_URL: 'https://s3-gateway.example.com/' }
    )
    return pair => sendChanged(running, pair, as.watcher)
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
      // A list is asked for whose token it is only where another customer's accounts are wanted.
      const parameters = pair.operation.operationId === 'listAccounts' ? { customerId: 1004 } : {}
      return sendChanged(plain, pair, { token, parameters })
    }
}
