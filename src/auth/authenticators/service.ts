import type { Caller } from '../../core/caller.ts'
import { type Clock, latestNow } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Grant } from '../../upstream/auth.ts'
import { hashOf } from '../services/entry.ts'
import { KEY_REFUSALS, type Logins } from '../services/logins.ts'
import type { ServiceRegistry } from '../services/registry.ts'
import { isSecretOf, type Service } from '../services/registry-file.ts'

/** `hks_<id>_<secret>`. Tokens of HOSTKEY have no such prefix (documented: 32 hexadecimal digits). */
const CREDENTIAL = /^hks_([a-z0-9-]{1,63})_([A-Za-z0-9_-]{20,200})$/

/** Is a service credential meant, also in quotes, in capitals or damaged? It must not reach HOSTKEY. */
export const isServiceCredential = (text: string): boolean => /hks(_|%5f)/i.test(text)

const WRONG_SECRET =
  'The secret of the service is not valid: the operator of the gateway issues service credentials, HOSTKEY does not know them.'

/** Compared with for a service that does not exist. */
const UNKNOWN_HASH = Buffer.from(hashOf(''))

/** Internal services send a credential of the gateway, which logs in at HOSTKEY for them. */
export const createServiceAuthenticator =
  (registry: Pick<ServiceRegistry, 'find'>, logins: Logins, now: Clock = latestNow) =>
  (credential: Secret, timing?: UpstreamTiming, address?: () => string): Caller => {
    const [match, id = '', secret = ''] = CREDENTIAL.exec(credential.reveal()) ?? []
    if (match === undefined) {
      throw new Problem(
        'invalid-token',
        'The service credential is malformed: send `Bearer hks_<id>_<secret>` as it was issued, without quotes.'
      )
    }
    const service = registry.find(id)
    // For an unknown service a secret is compared too: the time does not tell which services there are.
    const isOwner = service ? service.owns(secret) : isSecretOf([UNKNOWN_HASH], secret)
    if (!service || !isOwner) throw new Problem('invalid-token', WRONG_SECRET, { service: service?.id ?? '' })
    if (service.expiresAt <= now()) {
      throw new Problem('invalid-token', 'The service credential has expired.', { service: service.id })
    }
    if (address && !service.mayCallFrom(address())) {
      throw new Problem('invalid-token', 'The service credential is not valid in this network.', {
        service: service.id
      })
    }
    const caller = callerOf(service, grantOf(service, logins, timing))
    return { ...caller, origin: { needs: [], service: { id: service.id, secretHash: hashOf(secret) } } }
  }

/**
 * The caller that a service is, for its jobs.
 * @param secretHash of the secret that was shown for a token: the registry must still have it
 * @returns undefined when the registry does not have it, or it has expired, or it may no longer delete files
 */
export const createServiceCallers =
  (registry: Pick<ServiceRegistry, 'find'>, logins: Logins, now: Clock = latestNow) =>
  (id: string, secretHash?: string): Caller | undefined => {
    const service = registry.find(id)
    if (!service || service.expiresAt <= now() || !service.scopes.has('files:delete')) return undefined
    if (secretHash !== undefined && !service.hasHash(secretHash)) return undefined
    return callerOf(service, grantOf(service, logins))
  }

/** Gets the token of a service. @throws Problem upstream-unavailable when HOSTKEY refuses its key */
export const grantOf =
  ({ id, apiKey }: Service, logins: Logins, timing?: UpstreamTiming) =>
  (refused?: Secret) =>
    logins.grant(apiKey, refused, timing).catch(error => blameOperator(error, id))

const callerOf = (service: Service, grant: (refused?: Secret) => Promise<Grant>): Caller => ({
  authScheme: 'service',
  id: `service:${service.id}`,
  share: `service:${service.id}`,
  limitFactor: service.limitFactor,
  accounts: service.accounts,
  buckets: service.buckets,
  pathPrefix: service.pathPrefix,
  expiresAt: service.expiresAt,
  token: async () => (await grant()).token,
  grants: scope => service.scopes.has(scope),
  identity: async () => (await grant()).identity,
  refreshToken: async refused => (await grant(refused)).token
})

/** The operator must replace a key that HOSTKEY refuses. The credential of the caller is valid: so 503, and not 401. */
const blameOperator = (error: unknown, id: string): never => {
  if (!isProblem(error, ...KEY_REFUSALS)) throw error
  throw new Problem('upstream-unavailable', `HOSTKEY refuses the API key of service ${id}: ${error.problem}.`, {
    retryAfterSeconds: 30,
    cause: error
  })
}
