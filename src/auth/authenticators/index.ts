import type { Caller } from '../../core/caller.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import type { Secret } from '../../core/secret.ts'
import type { Auth } from '../../upstream/auth.ts'
import type { Logins } from '../services/logins.ts'
import type { ServiceRegistry } from '../services/registry.ts'
import type { SessionLimits, SessionRecords } from '../session-records.ts'
import type { TokenRecords } from '../token-records.ts'
import { createBearerAuthenticator } from './bearer.ts'
import { createServiceAuthenticator } from './service.ts'
import { createSessionAuthenticator, type StoredCaller } from './session.ts'
import { createTokenAuthenticator } from './token.ts'

/** One authenticator for each kind of credential. Each returns the caller, or throws a Problem. */
export interface Authenticators {
  /** Counts the request too: one round trip to the store does both. @throws StoreUnavailable */
  session: (cookie: Secret, limits: SessionLimits) => Promise<StoredCaller>
  /**
   * HOSTKEY judges the token.
   * @param timing counts the calls of HOSTKEY that find out whose token it is
   * @param network of the request: it stands for the caller until HOSTKEY has accepted the token
   * @throws Problem invalid-token for what cannot be a token
   */
  bearer: (token: Secret, timing: UpstreamTiming | undefined, network: () => string) => Caller
  /**
   * A token that the gateway has made; counts the request as `session` does.
   * @param address of the request: that of a service may be limited to networks
   * @throws StoreUnavailable
   */
  token: (
    token: Secret,
    limits: SessionLimits,
    timing: UpstreamTiming | undefined,
    address: () => string
  ) => Promise<StoredCaller>
  /** @throws Problem invalid-token @param timing counts the logins that this request starts */
  service: (credential: Secret, timing?: UpstreamTiming, address?: () => string) => Caller
}

export interface AuthenticatorOptions {
  auth: Auth
  records: SessionRecords
  tokens: TokenRecords
  registry: Pick<ServiceRegistry, 'find'>
  logins: Logins
}

export const createAuthenticators = ({
  auth,
  records,
  tokens,
  registry,
  logins
}: AuthenticatorOptions): Authenticators => ({
  session: createSessionAuthenticator(records),
  bearer: createBearerAuthenticator(auth),
  token: createTokenAuthenticator(tokens, registry, logins),
  service: createServiceAuthenticator(registry, logins)
})
