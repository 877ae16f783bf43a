import type { Scope } from '../../schemas/scopes.ts'
import type { NewToken } from '../../schemas/tokens.ts'
import { type Caller, mayUse } from '../core/caller.ts'
import { type Clock, latestNow } from '../core/clock.ts'
import { Problem } from '../core/problem.ts'
import type { Secret } from '../core/secret.ts'
import {
  type Caveats,
  type ListedToken,
  MAX_PER_CUSTOMER,
  type TokenEntry,
  type TokenRecords,
  type TokenSource
} from './token-records.ts'

/** A token that was made from one that was made from one … of a session or another credential. */
export const MAX_DEPTH = 5

/** Tokens that can do less than the credential that makes them. Every method throws StoreUnavailable. */
export interface Tokens {
  /** @throws Problem scope-exceeds-caller, too-many-tokens; those of `Caller.identity` */
  create(caller: Caller, requested: NewToken): Promise<TokenEntry & { token: Secret; tokenId: string }>
  /**
   * The live tokens that the caller may see: a session and a token of HOSTKEY those of the customer, a service its own, a
   * derived token itself and those that were made from it.
   */
  list(caller: Caller): Promise<ListedToken[]>
  /** Ends a token, and at the same moment all that were made from it. @throws Problem token-not-found */
  delete(caller: Caller, tokenId: string): Promise<void>
}

export const createTokens = (records: TokenRecords, now: Clock = latestNow): Tokens => {
  const list = async (caller: Caller): Promise<ListedToken[]> =>
    (await records.list(await tenantOf(caller))).filter(token => maySee(caller, token))

  return {
    list,
    async create(caller, requested) {
      const { origin = { needs: [] }, authScheme } = caller
      if (origin.needs.length >= MAX_DEPTH) {
        throw new Problem('too-many-tokens', `A token is at most ${MAX_DEPTH} steps away from the first credential.`)
      }
      const { scopes, accounts, buckets, pathPrefix } = requested
      await assertScopes(caller, scopes)
      const caveats: Caveats = {
        scopes,
        accounts: narrowed(caller.accounts, accounts, 'an account'),
        buckets: narrowed(caller.buckets, buckets, 'a bucket'),
        pathPrefix: narrowedPrefix(caller.pathPrefix, pathPrefix)
      }
      for (const bucket of buckets ?? []) {
        if (!mayUse(caller, bucket.slice(0, bucket.indexOf('/')))) throw exceeding('a bucket')
      }
      const { email: _, ...identity } = await caller.identity()
      const createdAt = now()
      const expiresAt = createdAt + requested.expiresInSeconds * 1000
      const endsAt = caller.expiresAt ?? identity.expiresAt ?? Number.POSITIVE_INFINITY
      if (expiresAt > endsAt) {
        throw new Problem(
          'scope-exceeds-caller',
          `The credential of the maker ends at ${new Date(endsAt).toISOString()}.`
        )
      }
      const source: TokenSource = origin.service
        ? { service: origin.service }
        : { token: await caller.token(), identity }
      const entry: TokenEntry = { ...caveats, name: requested.name, createdAt, expiresAt, madeBy: authScheme, origin }
      const made = await records.create({
        tenant: await tenantOf(caller),
        owner: ownerOf(caller, identity.customerId),
        entry,
        source
      })
      if (!made) {
        throw new Problem(
          'too-many-tokens',
          `The customer has ${MAX_PER_CUSTOMER} tokens: end those that are not needed.`
        )
      }
      return { ...entry, ...made }
    },

    async delete(caller, tokenId) {
      const found = (await list(caller)).find(token => token.tokenId === tokenId)
      if (!found) throw new Problem('token-not-found', 'The caller has no such token.')
      await records.remove(found.key, await tenantOf(caller))
    }
  }
}

/** The customer; the caller itself when HOSTKEY names no customer. */
const tenantOf = async (caller: Caller): Promise<string> => {
  const { customerId } = await caller.identity()
  return customerId === undefined ? caller.share : `customer:${customerId}`
}

/** Whose limits a token counts against. Tokens of a service have those of one standard caller together. */
const ownerOf = ({ origin, authScheme, share, id }: Caller, customerId: number | undefined): string => {
  if (authScheme === 'token') return share
  if (origin?.service) return `tokens:${origin.service.id}`
  return customerId === undefined ? id : `customer:${customerId}`
}

const maySee = ({ authScheme, origin }: Caller, token: ListedToken): boolean => {
  if (authScheme === 'session' || authScheme === 'bearer') return true
  if (authScheme === 'service') return token.origin.service?.id === origin?.service?.id
  const [own = ''] = origin?.needs ?? []
  return token.key === own || token.origin.needs.includes(own)
}

const exceeding = (what: string) =>
  new Problem('scope-exceeds-caller', `The token would reach ${what} that its maker does not.`)

/** @throws Problem scope-exceeds-caller */
const assertScopes = async (caller: Caller, scopes: readonly Scope[]): Promise<void> => {
  for (const scope of scopes) {
    if (!(await caller.grants(scope))) {
      throw new Problem('scope-exceeds-caller', `The maker of the token does not have the scope ${scope}.`)
    }
  }
}

/** What is requested; where nothing is, the limits of the maker. @throws Problem scope-exceeds-caller */
const narrowed = (
  own: ReadonlySet<string> | undefined,
  requested: readonly string[] | undefined,
  what: string
): readonly string[] | undefined => {
  if (own !== undefined && requested?.some(each => !own.has(each))) throw exceeding(what)
  return requested ?? (own && [...own])
}

/** @throws Problem scope-exceeds-caller */
const narrowedPrefix = (own: string | undefined, requested: string | undefined): string | undefined => {
  if (own !== undefined && requested !== undefined && !requested.startsWith(own)) throw exceeding('paths')
  return requested ?? own
}
