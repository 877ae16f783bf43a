import { createHmac, hkdfSync } from 'node:crypto'
import type { NewSession } from '../../schemas/sessions.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { Credential } from '../upstream/auth.ts'
import { isServiceCredential } from './authenticators/service.ts'
import { isDerivedToken } from './token-records.ts'

/** The one credential of a login request. @throws Problem invalid-request when there is not exactly one */
export const credentialOf = ({ apiKey, email, password, token }: NewSession): Credential => {
  const given = [apiKey !== undefined, email !== undefined || password !== undefined, token !== undefined]
  if (given.filter(Boolean).length === 1) {
    refuseOwnCredential({ apiKey, token })
    if (apiKey !== undefined) return { apiKey: new Secret(apiKey) }
    if (token !== undefined) return { token: new Secret(token) }
    if (email !== undefined && password !== undefined) return { email: email.trim(), password: new Secret(password) }
  }
  const detail = 'must hold either apiKey, or email and password, or token'
  throw new Problem('invalid-request', `The body ${detail}.`, {
    errors: [{ in: 'body', pointer: '', code: 'one-of', detail }]
  })
}

/** HOSTKEY must not see it. @throws Problem invalid-request */
const refuseOwnCredential = (given: Readonly<Record<string, string | undefined>>): void => {
  for (const [name, text = ''] of Object.entries(given)) {
    const isService = isServiceCredential(text)
    if (!isService && !isDerivedToken(text)) continue
    const [what, sent] = isService ? ['a service', 'hks_…'] : ['such a token', 'hkt_…']
    const detail = `is ${isService ? 'a service credential' : 'a token of the gateway'}`
    throw new Problem('invalid-request', `No session is needed for ${what}: send \`Authorization: Bearer ${sent}\`.`, {
      errors: [{ in: 'body', pointer: `/${name}`, code: 'not-allowed', detail }]
    })
  }
}

/** Names the account of a login in limits and logs, without disclosing it. */
export type AccountHash = (credential: Credential) => string

/**
 * A keyed hash of the e-mail address, the API key or the token, without regard to case: a stolen store or log does not tell
 * the address to those who can only guess it.
 * @param secrets of the server: the first one is the key
 */
export const createAccountHash = ([secret]: readonly Secret[]): AccountHash => {
  if (!secret) throw new TypeError('A keyed hash needs a secret.')
  const key = Buffer.from(hkdfSync('sha256', secret.reveal(), '', 'hostkey-s3-gateway/account', 32))
  return credential => {
    const text =
      'apiKey' in credential
        ? credential.apiKey.reveal()
        : 'token' in credential
          ? credential.token.reveal()
          : credential.email
    return createHmac('sha256', key).update(text.toLowerCase()).digest('base64url').slice(0, 22)
  }
}
