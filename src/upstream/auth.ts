import type { Caller, Identity } from '../core/caller.ts'
import { noUpstreamTiming, type RequestContext, type UpstreamTiming } from '../core/context.ts'
import { isProblem, Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { Result } from './actions/action.ts'
import { login, logout, passwordLogin, tokenInfo } from './actions/sessions.ts'
import type { Upstream } from './client.ts'
import { UNANSWERED } from './protocol/failures.ts'

/** How long a token is asked to live: as long as a session may. HOSTKEY's default is documented as 2 h and as 3 h. */
const TTL_SECONDS = 8 * 3600

/** What somebody shows to get a token. */
export type Credential = { apiKey: Secret } | { email: string; password: Secret } | { token: Secret }

/** A token, and whose it is. */
export interface Grant {
  token: Secret
  identity: Identity
}

export interface Auth {
  /**
   * Turns a credential into a token. `fix_ip` is 0: HOSTKEY sees the gateway's address, not the caller's.
   * @param errand of the one request that logs in; the token for many has a `nameless` one, which none of them ends
   * @throws Problem invalid-credentials, api-key-login-unavailable, two-factor-required, forbidden; invalid-token;
   * upstream-unavailable when HOSTKEY does not answer, so that nobody takes it for a wrong key
   */
  grant(credential: Credential, context?: RequestContext): Promise<Grant>
  /**
   * Whose token is it? The answer is for many: none of them ends the question.
   * @param timing of the request that asks it
   * @throws Problem invalid-token, upstream-unavailable
   */
  identify(token: Secret, timing?: UpstreamTiming): Promise<Identity>
  /** Ends a token. @throws Problem */
  revoke(token: Secret): Promise<void>
}

/** @param now milliseconds since 1970 */
export const createAuth = (upstream: Upstream, now: () => number = Date.now): Auth => {
  const identify = async (token: Secret, context: RequestContext) =>
    identityOf(
      await answered(() => upstream.call(tokenInfo, { token: token.reveal() }, context)),
      now() + TTL_SECONDS * 1000
    )

  const revoke = async (token: Secret) => {
    await upstream.call(logout, { token: token.reveal() }, anonymousContext())
  }

  return {
    identify: (token, timing) => identify(token, anonymousContext({ timing })),
    async grant(credential, context = anonymousContext()) {
      if ('token' in credential) return { token: credential.token, identity: await identify(credential.token, context) }
      const terms = { ttl: TTL_SECONDS, fix_ip: 0 }
      const granted = await answered(() =>
        'apiKey' in credential
          ? upstream.call(login, { key: credential.apiKey.reveal(), ...terms }, context)
          : upstream.call(
              passwordLogin,
              { user: credential.email, password: credential.password.reveal(), ...terms },
              context
            )
      ).catch(blameCredential)
      const token = new Secret(granted.token)
      const identity = identityOf(granted, now() + TTL_SECONDS * 1000)
      // One documented answer of login holds the token and little else: then info says whose it is.
      if (identity.customerId !== undefined && identity.role !== undefined) return { token, identity }
      const told = await identify(token, context).catch((error: unknown) => {
        // Nobody will ever show this token. If it cannot be ended now, it runs out by itself.
        revoke(token).catch(() => undefined)
        throw error
      })
      return {
        token,
        identity: { ...told, ...(granted.token_expire && { expiresAt: granted.token_expire * 1000 }) }
      }
    },
    revoke
  }
}

const identityOf = (grant: Result<typeof tokenInfo>, latest: number): Identity => {
  const role = grant.role_type ?? grant.role
  return {
    ...(grant.customer_id !== undefined && { customerId: grant.customer_id }),
    ...(grant.email !== undefined && { email: grant.email }),
    ...(role !== undefined && { role }),
    expiresAt: grant.token_expire ? grant.token_expire * 1000 : latest
  }
}

/** A login shows no token: words that refuse one refuse the credential. */
const blameCredential = (error: unknown): never => {
  if (!isProblem(error, 'invalid-token')) throw error
  throw new Problem('invalid-credentials', error.message, error.options)
}

/** A login that HOSTKEY does not answer is no judgement of the credential. */
const answered = async <T>(call: () => Promise<T>): Promise<T> => {
  try {
    return await call()
  } catch (error) {
    if (!isProblem(error, ...UNANSWERED)) throw error
    throw new Problem('upstream-unavailable', 'HOSTKEY does not answer logins; the credential was not judged.', {
      retryAfterSeconds: error.options.retryAfterSeconds ?? 5,
      cause: error
    })
  }
}

const noToken = async () => {
  throw new TypeError('auth.php takes no caller')
}

/** auth.php gets its credentials as parameters, and nobody's token. */
const anonymous: Caller = {
  authScheme: 'service',
  id: 'anonymous',
  limitFactor: 1,
  accounts: undefined,
  token: noToken,
  grants: async () => false,
  identity: async () => ({}),
  refreshToken: noToken
}

/** An errand at auth.php for somebody who has no name yet. @param signal aborts when it is to be given up */
export const anonymousContext = ({
  signal = new AbortController().signal,
  timing = noUpstreamTiming()
}: {
  signal?: AbortSignal
  timing?: UpstreamTiming | undefined
} = {}): RequestContext => ({ caller: anonymous, signal, upstream: timing })
