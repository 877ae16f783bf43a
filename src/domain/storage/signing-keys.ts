import { hash } from 'node:crypto'

/** Seals a text; only the same name and key open it. */
export interface Sealer {
  seal(text: string, name: string, key: string): string
  open(sealed: string, name: string, key: string): string | undefined
}

/** 10 min: a derived key is not kept longer. */
const KEPT_MS = 10 * 60_000
/** Beyond this number the oldest is forgotten. */
const MAX_KEPT = 1000

/** What is kept of an account. */
export interface KeptKey {
  /** The signing key, base64. */
  key: string
  endpoint: string
  region: string
}

/**
 * Derived signing keys, for some minutes. Each is sealed with the access key that HOSTKEY names at that time: memory alone
 * does not open it, nor does the key of a pair that HOSTKEY has replaced.
 */
export interface SigningKeys {
  find(s3uid: string, day: string, accessKey: string): KeptKey | undefined
  keep(s3uid: string, day: string, accessKey: string, kept: KeptKey): void
}

export const createSigningKeys = (sealer: Sealer, keptMs = KEPT_MS, max = MAX_KEPT): SigningKeys => {
  const sealed = new Map<string, string>()
  const nameOf = (s3uid: string, day: string) => `signing-key:${hash('sha256', `${s3uid} ${day}`, 'base64url')}`
  return {
    find(s3uid, day, accessKey) {
      const name = nameOf(s3uid, day)
      const found = sealed.get(name)
      const text = found && sealer.open(found, name, accessKey)
      // Only this module seals it.
      return text === undefined ? undefined : (JSON.parse(text) as KeptKey)
    },
    keep(s3uid, day, accessKey, kept) {
      const name = nameOf(s3uid, day)
      const text = sealer.seal(JSON.stringify(kept), name, accessKey)
      sealed.delete(name)
      sealed.set(name, text)
      setTimeout(() => {
        if (sealed.get(name) === text) sealed.delete(name)
      }, keptMs).unref()
      for (const oldest of sealed.keys()) {
        if (sealed.size <= max) break
        sealed.delete(oldest)
      }
    }
  }
}
