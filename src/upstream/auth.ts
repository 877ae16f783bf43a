import { never, type StopSignal } from '../core/abort.ts'
import type { Caller, Identity } from '../core/caller.ts'
import { noUpstreamTiming, type RequestContext, type UpstreamTiming } from '../core/context.ts'
import { isProblem, Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { Result } from './actions/action.ts'
import { login, logout, passwordLogin, tokenInfo } from './actions/sessions.ts'
import type { Upstream } from './client.ts'
import { UNANSWERED } from './protocol/failures.ts'

/** 8 h: the requested lifetime of a token, as long as that of a session. HOSTKEY documents a default of 2 h and of 3 h. */
const TTL_SECONDS = 8 * 3600

/** What a caller shows to get a token. */
export type Credential = { apiKey: Secret } | { email: string; password: Secret } | { token: Secret }

/** A token and its customer. */
export interface Grant {
  token: Secret
  identity: Identity
}

export interface IdentifyOptions {
  /** Whose share of the look-ups it takes. */
  share: string
  /** Look-ups for orders have slots of their own. */
  purpose?: 'order' | undefined
  /** Of the request that asks. */
  timing?: UpstreamTiming | undefined
}

/** Tokens are opaque; 32 hexadecimal digits in the documentation. These are the characters of RFC 6750, with room to spare. */
const TOKEN = /^[A-Za-z0-9._~+/-]{8,512}=*$/

/** Can HOSTKEY have issued this? Anything else is refused without a call. */
export const isTokenLike = (token: Secret): boolean => TOKEN.test(token.reveal())

/** The same call as `info`, in the slots of orders. */
const orderTokenInfo: typeof tokenInfo = { ...tokenInfo, effect: 'order-identity' }

export interface Auth {
  /**
   * Gets a token for a credential.
   * @param context of `anonymousContext`: of the request that logs in; a login for several requests has one of its own, which
   * none of them aborts
   * @throws Problem invalid-credentials, api-key-login-unavailable, two-factor-required, forbidden; invalid-token;
   * upstream-unavailable when HOSTKEY does not answer
   */
  grant(credential: Credential, context: RequestContext): Promise<Grant>
  /**
   * Gets the customer of a token. Several requests may wait for the answer, so none of them aborts the call.
   * @throws Problem invalid-token, upstream-unavailable, rate-limited, overloaded
   */
  identify(token: Secret, options: IdentifyOptions): Promise<Identity>
  /** Ends a token. @throws Problem */
  revoke(token: Secret): Promise<void>
}

/** @param now milliseconds since 1970 */
export const createAuth = (upstream: Upstream, now: () => number = Date.now): Auth => {
  const identify = async (token: Secret, context: RequestContext, action = tokenInfo) => {
    const info = await upstream.call(action, { token: token.reveal() }, context).catch(toUnavailable)
    return identityOf(info, now() + TTL_SECONDS * 1000)
  }

  const revoke = async (token: Secret) => {
    await upstream.call(logout, { token: token.reveal() }, anonymousContext({ share: 'revocation' }))
  }

  const logIn = (credential: Exclude<Credential, { token: Secret }>, context: RequestContext) => {
    // `fix_ip` binds a token to an address. 0: HOSTKEY sees the address of the gateway, not that of the caller.
    const options = { ttl: TTL_SECONDS, fix_ip: 0 }
    if ('apiKey' in credential) {
      return upstream.call(login, { key: credential.apiKey.reveal(), ...options }, context)
    }
    const { email, password } = credential
    return upstream.call(passwordLogin, { user: email, password: password.reveal(), ...options }, context)
  }

  return {
    identify: (token, { share, purpose, timing }) =>
      identify(
        token,
        anonymousContext({ share, id: `token:${token.fingerprint()}`, timing }),
        purpose === 'order' ? orderTokenInfo : tokenInfo
      ),
    async grant(credential, context) {
      if ('token' in credential) {
        if (!isTokenLike(credential.token)) throw new Problem('invalid-token', 'HOSTKEY issues no such tokens.')
        return { token: credential.token, identity: await identify(credential.token, context) }
      }
      const granted = await logIn(credential, context).catch(toUnavailable).catch(toInvalidCredentials)
      const token = new Secret(granted.token)
      const identity = identityOf(granted, now() + TTL_SECONDS * 1000)
      // One documented answer of login has little more than the token; info has the rest.
      if (identity.customerId !== undefined && identity.role !== undefined) return { token, identity }
      const completed = await identify(token, context).catch((error: unknown) => {
        // The token will not be used. If it cannot be ended now, it expires.
        revoke(token).catch(() => undefined)
        throw error
      })
      return {
        token,
        identity: { ...completed, ...(granted.token_expire && { expiresAt: granted.token_expire * 1000 }) }
      }
    },
    revoke
  }
}

const identityOf = (grant: Result<typeof tokenInfo>, latestExpiry: number): Identity => {
  const role = grant.role_type ?? grant.role
  return {
    ...(grant.customer_id !== undefined && { customerId: grant.customer_id }),
    ...(grant.email !== undefined && { email: grant.email }),
    ...(role !== undefined && { role }),
    expiresAt: grant.token_expire ? grant.token_expire * 1000 : latestExpiry
  }
}

/** A login sends no token: a text that refuses a token refuses the credential. */
const toInvalidCredentials = (error: unknown): never => {
  if (!isProblem(error, 'invalid-token')) throw error
  throw new Problem('invalid-credentials', error.message, error.options)
}

/** Without an answer the credential was not checked: it must not look wrong. */
const toUnavailable = (error: unknown): never => {
  if (!isProblem(error, ...UNANSWERED)) throw error
  throw new Problem('upstream-unavailable', 'HOSTKEY does not answer logins; the credential was not checked.', {
    retryAfterSeconds: error.options.retryAfterSeconds ?? 5,
    cause: error
  })
}

const noToken = async () => {
  throw new TypeError('auth.php takes no caller')
}

/** The caller of auth.php: it takes credentials as parameters and no token. */
const anonymous: Omit<Caller, 'share' | 'id'> = {
  authScheme: 'service',
  limitFactor: 1,
  accounts: undefined,
  token: noToken,
  grants: () => false,
  identity: async () => ({}),
  refreshToken: noToken
}

export interface AnonymousContextOptions {
  /** Whose share of the slots its calls take. */
  share: string
  /** Of the credential, where several share. */
  id?: string
  /** Aborts the call. */
  signal?: StopSignal
  timing?: UpstreamTiming | undefined
}

/** A context for auth.php, before the caller is known. */
export const anonymousContext = ({
  share,
  id = 'anonymous',
  signal = never,
  timing = noUpstreamTiming()
}: AnonymousContextOptions): RequestContext => ({ caller: { ...anonymous, id, share }, signal, upstream: timing })
