import { createHmac, randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { customerScopes, type Scope, scopesOfRole } from '../../../schemas/scopes.ts'
import { type Caller, type Identity, strangerAt } from '../../core/caller.ts'
import { type Clock, latestNow } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { keepWithin } from '../../core/keep-within.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import { type Auth, isTokenLike } from '../../upstream/auth.ts'

/** How long the identity behind a token is cached; never longer than the token lives. */
const CACHED_MS = 60_000
/** 2 s: a token that HOSTKEY has refused is not looked up again before. HOSTKEY may accept it later. */
const REFUSED_MS = 2000
/** A call waits so long for the look-up of its customer; when it fails, it is tried again after this time. */
const RESOLVE_MS = { wait: 250, again: 10_000 }
/** Of each kind; beyond it the oldest are forgotten. */
const MAX_KEPT = 10_000

/** Keeps a bounded number of entries. */
const keep = <V>(entries: Map<string, V>, key: string, value: V): void => {
  entries.set(key, value)
  keepWithin(entries, MAX_KEPT)
}

/** Third parties send HOSTKEY's own token: it is passed through and not kept. */
export const createBearerAuthenticator = (auth: Auth, now: Clock = latestNow) => {
  // By the token's fingerprint. Made-up tokens reach only the last two, so that they displace no customer.
  const shares = new Map<string, string>()
  const identities = new Map<string, { identity: Identity; until: number }>()
  const refusals = new Map<string, { problem: Problem; until: number }>()
  // What was refused may be a password: its name in a dump of the memory must not be one that can be guessed.
  const key = randomBytes(32)
  const refusalOf = (token: Secret) => createHmac('sha256', key).update(token.reveal()).digest('base64url')
  const lookups = new Map<string, Promise<Identity>>()
  const resolutions = new Map<string, { until: number; ended: Promise<unknown> }>()

  const lookUp = async (token: Secret, id: string, ask: () => Promise<Identity>): Promise<Identity> => {
    const fingerprint = token.fingerprint()
    try {
      const identity = await ask()
      const { customerId, expiresAt = Number.POSITIVE_INFINITY } = identity
      keep(identities, fingerprint, { identity, until: Math.min(now() + CACHED_MS, expiresAt) })
      keep(shares, fingerprint, customerId === undefined ? id : `customer:${customerId}`)
      return identity
    } catch (error) {
      if (isProblem(error, 'invalid-token'))
        keep(refusals, refusalOf(token), { problem: error, until: now() + REFUSED_MS })
      throw error
    } finally {
      lookups.delete(fingerprint)
    }
  }

  const identityOf = (token: Secret, id: string, ask: () => Promise<Identity>): Promise<Identity> | Identity => {
    const fingerprint = token.fingerprint()
    const known = identities.get(fingerprint)
    if (known && known.until > now()) return known.identity
    const refusal = refusals.get(refusalOf(token))
    if (refusal && refusal.until > now()) throw refusal.problem
    const lookup = lookups.get(fingerprint) ?? lookUp(token, id, ask)
    lookups.set(fingerprint, lookup)
    return lookup
  }

  /** Of one request. */
  class BearerCaller implements Caller {
    readonly authScheme = 'bearer'
    readonly id: string
    readonly limitFactor = 1
    readonly accounts = undefined
    readonly #token: Secret
    readonly #timing: UpstreamTiming | undefined
    readonly #network: () => string

    constructor(token: Secret, timing: UpstreamTiming | undefined, network: () => string) {
      this.id = `token:${token.fingerprint()}`
      this.#token = token
      this.#timing = timing
      this.#network = network
    }

    // Until HOSTKEY has accepted the token, whoever sends many of them has the share of one.
    get share() {
      return shares.get(this.#token.fingerprint()) ?? strangerAt(this.#network())
    }

    token() {
      return this.#token
    }

    // Every customer has these scopes, and HOSTKEY checks the token itself: only other scopes cost a call.
    grants(scope: Scope) {
      return customerScopes.includes(scope) || this.identity().then(({ role }) => scopesOfRole(role).includes(scope))
    }

    async identity(purpose?: 'order') {
      const ask = () => auth.identify(this.#token, { share: this.share, purpose, timing: this.#timing })
      return identityOf(this.#token, this.id, ask)
    }

    accepted() {
      const fingerprint = this.#token.fingerprint()
      if (!shares.has(fingerprint)) keep(shares, fingerprint, this.id)
    }

    async resolveShare() {
      const fingerprint = this.#token.fingerprint()
      let resolution = resolutions.get(fingerprint)
      if (resolution === undefined || resolution.until <= now()) {
        const ended = Promise.race([
          this.#identityForAll().catch(() => undefined),
          pause(RESOLVE_MS.wait, undefined, { ref: false })
        ])
        resolution = { until: now() + RESOLVE_MS.again, ended }
        keep(resolutions, fingerprint, resolution)
      }
      await resolution.ended
      return this.share
    }

    /** Not a part of the request: several may wait for it. */
    async #identityForAll() {
      return identityOf(this.#token, this.id, () => auth.identify(this.#token, { share: this.share }))
    }

    async refreshToken(): Promise<never> {
      const fingerprint = this.#token.fingerprint()
      shares.delete(fingerprint)
      identities.delete(fingerprint)
      throw new Problem('invalid-token', 'HOSTKEY does not accept the token.')
    }
  }

  return (token: Secret, timing: UpstreamTiming | undefined, network: () => string): Caller => {
    if (!isTokenLike(token)) throw new Problem('invalid-token', 'HOSTKEY issues no such tokens.')
    return new BearerCaller(token, timing, network)
  }
}
