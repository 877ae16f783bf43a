import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import { NewerRecord } from '../store/record-format.ts'

/** Of the seal. A newer one is not opened, and not mistaken for a changed text. */
const VERSION = 1
/** The next one is 22, then 43: a changed bit or character of a version makes no other one. */
const isVersion = (byte: number): boolean => byte % 21 === 1
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals small texts for the store with AES-256-GCM. The key is derived from the server's secret and from one that the
 * server does not keep (the cookie's, or an API key): a stolen store and a stolen server secret, even together, do not
 * open a record.
 */
export interface Sealer {
  /** @param name the store key of the record: a record copied to another store key does not open */
  seal(text: string, name: string, key: string): string
  /**
   * The text; undefined when the sealed text was changed, or the name or the key is a different one.
   * @throws NewerRecord
   */
  open(sealed: string, name: string, key: string): string | undefined
}

/** @param secrets of the server: the first one seals, each of them opens, so that a secret can be rotated */
export const createSealer = (secrets: readonly Secret[]): Sealer => {
  const keyOf = (secret: Secret, name: string, key: string) =>
    Buffer.from(hkdfSync('sha256', key, secret.reveal(), `hostkey-s3-gateway/${VERSION}/${name}`, 32))

  const openWith = (secret: Secret, sealed: Buffer, name: string, key: string): string | undefined => {
    try {
      const iv = sealed.subarray(1, 1 + IV_BYTES)
      const tag = sealed.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES)
      // Without the length, Node accepts a truncated tag, which is easier to forge.
      const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, name, key), iv, { authTagLength: TAG_BYTES })
      decipher.setAuthTag(tag)
      return Buffer.concat([decipher.update(sealed.subarray(1 + IV_BYTES + TAG_BYTES)), decipher.final()]).toString(
        'utf8'
      )
    } catch {
      return undefined
    }
  }

  return {
    seal(text, name, key) {
      const [current] = secrets
      if (!current) throw new TypeError('A sealer needs at least one secret.')
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', keyOf(current, name, key), iv)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.from([VERSION]), iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed, name, key) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Base64 ignores some bits of the last character: a text that does not encode to itself was changed.
      const version = bytes[0] ?? 0
      if (!isVersion(version) || bytes.toString('base64url') !== sealed) return undefined
      if (version > VERSION) throw new NewerRecord('a sealed record')
      for (const secret of secrets) {
        const text = openWith(secret, bytes, name, key)
        if (text !== undefined) return text
      }
      return undefined
    }
  }
}
