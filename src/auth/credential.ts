import { createHash } from 'node:crypto'
import type { NewSession } from '../../schemas/sessions.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { Credential } from '../upstream/auth.ts'

/** The one credential of a login request. @throws Problem invalid-request when there is not exactly one */
export const credentialOf = ({ apiKey, email, password, token }: NewSession): Credential => {
  const given = [apiKey !== undefined, email !== undefined || password !== undefined, token !== undefined]
  if (given.filter(Boolean).length === 1) {
    if (apiKey !== undefined) return { apiKey: new Secret(apiKey) }
    if (token !== undefined) return { token: new Secret(token) }
    if (email !== undefined && password !== undefined) return { email, password: new Secret(password) }
  }
  const detail = 'must hold either apiKey, or email and password, or token'
  throw new Problem('invalid-request', `The body ${detail}.`, { errors: [{ in: 'body', pointer: '', detail }] })
}

/** The key of the login rate limit: a hash of the API key, the token or the e-mail address, without regard to case. */
export const credentialHashOf = (credential: Credential): string => {
  const text =
    'apiKey' in credential
      ? credential.apiKey.reveal()
      : 'token' in credential
        ? credential.token.reveal()
        : credential.email
  return createHash('sha256').update(text.toLowerCase()).digest('base64url')
}
