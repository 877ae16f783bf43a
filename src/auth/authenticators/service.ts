import type { Caller } from '../../core/caller.ts'
import { type Clock, latestNow } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Grant } from '../../upstream/auth.ts'
import { KEY_REFUSALS, type Logins } from '../services/logins.ts'
import type { Service } from '../services/registry.ts'

/** `hks_<id>_<secret>`: no token of HOSTKEY's looks like it. */
const CREDENTIAL = /^hks_([a-z0-9-]{1,63})_([A-Za-z0-9_-]{20,200})$/

export const isServiceCredential = (bearer: string): boolean => bearer.startsWith('hks_')

/** The registry as it is now: it is read again on SIGHUP. */
export interface Registry {
  find(id: string): Service | undefined
}

/** Internal services show a secret of ours; the gateway logs in at HOSTKEY for them. */
export const createServiceAuthenticator =
  (registry: Registry, logins: Logins, now: Clock = latestNow) =>
  (bearer: Secret, timing?: UpstreamTiming): Caller => {
    const [, id = '', secret = ''] = CREDENTIAL.exec(bearer.reveal()) ?? []
    const service = registry.find(id)
    if (!service?.owns(secret)) throw new Problem('invalid-token', 'The service credential is not accepted.')
    if (service.expiresAt <= now()) throw new Problem('invalid-token', 'The service credential has expired.')
    return callerOf(service, refused => granted(() => logins.grant(service.apiKey, refused, timing), service.id))
  }

const callerOf = (service: Service, grant: (refused?: Secret) => Promise<Grant>): Caller => ({
  authScheme: 'service',
  id: `service:${service.id}`,
  limitFactor: service.limitFactor,
  accounts: service.accounts,
  token: async () => (await grant()).token,
  grants: async scope => service.scopes.has(scope),
  identity: async () => (await grant()).identity,
  refreshToken: async refused => (await grant(refused)).token
})

/** A key that HOSTKEY refuses is the operator's matter: the caller's own credential is right, and is not blamed. */
const granted = async (grant: () => Promise<Grant>, id: string): Promise<Grant> => {
  try {
    return await grant()
  } catch (error) {
    if (!isProblem(error, ...KEY_REFUSALS)) throw error
    throw new Problem('upstream-unavailable', `HOSTKEY refuses the API key of service ${id}: ${error.problem}.`, {
      retryAfterSeconds: 30,
      cause: error
    })
  }
}
