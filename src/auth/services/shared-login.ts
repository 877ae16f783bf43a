import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Identity } from '../../core/caller.ts'
import type { Clock } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { Secret } from '../../core/secret.ts'
import { NewerRecord, readRecord, type Store } from '../../store/index.ts'
import { type Auth, anonymousContext, type Grant } from '../../upstream/auth.ts'
import type { Sealer } from '../seal.ts'

/** A token is replaced 60 s before it expires. */
const RENEW_BEFORE_MS = 60_000
/** 10 s, slightly more than a login takes: the lock of a replica that died expires after this. */
const LOCK_MS = 10_000
/** How long a replica waits for the login of another one before it logs in itself. */
const WAIT_MS = 5_000
const POLL_MS = 50

export interface LoginRequest {
  /** Store key of the shared token. */
  storeKey: string
  apiKey: Secret
  /** The token that HOSTKEY has refused. */
  refused: Secret | undefined
  timing: UpstreamTiming | undefined
}

/** True unless the token has been refused or is about to expire. */
export const isUsable = (grant: Grant | undefined, refused: Secret | undefined, at: number): grant is Grant =>
  grant !== undefined &&
  grant.token.fingerprint() !== refused?.fingerprint() &&
  (grant.identity.expiresAt ?? 0) - RENEW_BEFORE_MS > at

/**
 * One replica logs in, the others take its token from the store. Without a store every replica logs in itself.
 * @returns a function that throws as `Auth.grant`
 */
export const createSharedLogin = (auth: Auth, store: Store, sealer: Sealer, now: Clock) => {
  /** The token is sealed under the API key, which every replica has and the store does not. */
  const read = async ({ storeKey, apiKey }: LoginRequest): Promise<Grant | undefined> => {
    const sealed = await store.get(storeKey).catch(() => undefined)
    const text = sealed === undefined ? undefined : sealer.open(sealed, storeKey, apiKey.reveal())
    if (text === undefined) return undefined
    const { token, identity } = readRecord<{ token: string; identity: Identity }>(text, 'the login of a service')
    return { token: new Secret(token), identity }
  }

  const logInAlone = ({ storeKey, apiKey, timing }: LoginRequest): Promise<Grant> =>
    auth.grant({ apiKey }, anonymousContext({ share: storeKey, timing }))

  const logIn = async (request: LoginRequest): Promise<Grant> => {
    const { storeKey, apiKey } = request
    const grant = await logInAlone(request)
    const { token, identity } = grant
    const sealed = sealer.seal(JSON.stringify({ token: token.reveal(), identity }), storeKey, apiKey.reveal())
    await store.put(storeKey, sealed, Math.max(1, (identity.expiresAt ?? now()) - now())).catch(() => undefined)
    return grant
  }

  const share = async (request: LoginRequest): Promise<Grant> => {
    const lock = `${request.storeKey}:lock`
    const owner = randomUUID()
    const giveUpAt = now() + WAIT_MS
    while (now() < giveUpAt) {
      const shared = await read(request)
      if (isUsable(shared, request.refused, now())) return shared
      const hasLock = await store.claim(lock, owner, LOCK_MS).catch(() => true)
      if (!hasLock) {
        await pause(POLL_MS)
        continue
      }
      try {
        // Another replica may have finished after the first read and before the lock.
        const latest = await read(request)
        return isUsable(latest, request.refused, now()) ? latest : await logIn(request)
      } finally {
        await store.release(lock, owner).catch(() => undefined)
      }
    }
    // The owner of the lock died, is slow, or could not release it: a second login is better than none.
    return logIn(request)
  }

  return (request: LoginRequest): Promise<Grant> =>
    share(request).catch(error => {
      if (!(error instanceof NewerRecord)) throw error
      // The replicas of the newer version keep theirs.
      return logInAlone(request)
    })
}
