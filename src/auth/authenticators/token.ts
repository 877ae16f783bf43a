import { accountsOf, type Caller } from '../../core/caller.ts'
import { type Clock, latestNow } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Logins } from '../services/logins.ts'
import type { ServiceRegistry } from '../services/registry.ts'
import type { Service } from '../services/registry-file.ts'
import type { SessionLimits } from '../session-records.ts'
import type { DerivedToken, TokenRecords } from '../token-records.ts'
import { grantOf } from './service.ts'
import type { StoredCaller } from './session.ts'

export const tokenEnded = () =>
  new Problem('invalid-token', 'The token has ended, or what it was made from has, or it never existed.')

export const malformedToken = () =>
  new Problem('invalid-token', 'The token is malformed: send `Bearer hkt_…` as it was issued, without quotes.')

/** Partners and jobs send a token that the gateway has made, which can do less than its maker. */
export const createTokenAuthenticator =
  (records: TokenRecords, registry: Pick<ServiceRegistry, 'find'>, logins: Logins, now: Clock = latestNow) =>
  async (
    token: Secret,
    limits: SessionLimits,
    timing: UpstreamTiming | undefined,
    address: () => string
  ): Promise<StoredCaller> => {
    const { derived, counts } = await records.open(token, limits)
    if (!derived) return { caller: undefined, counts }
    const { source } = derived
    if ('token' in source) {
      const access = {
        token: () => source.token,
        identity: async () => ({ ...source.identity, expiresAt: derived.expiresAt }),
        refreshToken: async () => {
          await records.remove(derived.key)
          throw new Problem('invalid-token', 'HOSTKEY does not accept the token any more from which this one was made.')
        }
      }
      return { caller: callerOf(derived, undefined, access), counts }
    }
    const { id, secretHash } = source.service
    const service = registry.find(id)
    // What the registry says now counts: a secret that was replaced ends the tokens that were made with it.
    if (!service?.hasHash(secretHash) || service.expiresAt <= now() || !service.mayCallFrom(address())) {
      return { caller: undefined, counts }
    }
    const grant = grantOf(service, logins, timing)
    const access = {
      token: async () => (await grant()).token,
      identity: async () => {
        const { email: _, ...identity } = (await grant()).identity
        return { ...identity, expiresAt: derived.expiresAt }
      },
      refreshToken: async (refused: Secret) => (await grant(refused)).token
    }
    return { caller: callerOf(derived, service, access), counts }
  }

/** The limits of the token, and of its service. @returns undefined when they have no path in common */
const callerOf = (
  derived: DerivedToken,
  service: Service | undefined,
  access: Pick<Caller, 'token' | 'identity' | 'refreshToken'>
): Caller | undefined => {
  const { key, tokenId, owner, needs, scopes, expiresAt, source } = derived
  const prefixes = [derived.pathPrefix, service?.pathPrefix].filter(prefix => prefix !== undefined)
  const [pathPrefix] = prefixes.toSorted((a, b) => b.length - a.length)
  if (!prefixes.every(prefix => pathPrefix?.startsWith(prefix))) return undefined
  const buckets = common(derived.buckets && new Set(derived.buckets), service?.buckets)
  return {
    authScheme: 'token',
    id: `hkt:${tokenId}`,
    share: owner,
    limitFactor: 1,
    accounts: accountsOf(common(derived.accounts && new Set(derived.accounts), service?.accounts), buckets),
    buckets,
    pathPrefix,
    expiresAt,
    origin: { needs: [key, ...needs], service: 'service' in source ? source.service : undefined },
    grants: scope => scopes.includes(scope) && (service === undefined || service.scopes.has(scope)),
    ...access
  }
}

/** What both have; undefined: no limit. */
const common = (one: ReadonlySet<string> | undefined, other: ReadonlySet<string> | undefined) =>
  one && other ? new Set([...one].filter(each => other.has(each))) : (one ?? other)
