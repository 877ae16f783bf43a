import type { Secret } from '../../core/secret.ts'
import type { Store } from '../../store/index.ts'
import { createAuth } from '../../upstream/auth.ts'
import type { Upstream } from '../../upstream/client.ts'
import { createSealer } from '../seal.ts'
import { createLogins } from '../services/logins.ts'
import { createSessions } from '../sessions.ts'
import { createBearerAuthenticator } from './bearer.ts'
import { createServiceAuthenticator, type Registry } from './service.ts'
import { createSessionAuthenticator } from './session.ts'

export interface AuthenticatorOptions {
  upstream: Upstream
  store: Store
  sessionSecrets: readonly Secret[]
  registry: Registry
}

/** The three doors, and what the session routes need beside them. */
export const createAuthenticators = ({ upstream, store, sessionSecrets, registry }: AuthenticatorOptions) => {
  const auth = createAuth(upstream)
  const sealer = createSealer(sessionSecrets)
  const sessions = createSessions(store, sealer)
  const authenticators = {
    session: createSessionAuthenticator(sessions),
    bearer: createBearerAuthenticator(auth),
    service: createServiceAuthenticator(registry, createLogins(auth, store, sealer))
  }
  return { auth, sessions, authenticators }
}
