import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Secret } from '../core/secret.ts'

const VERSION = 1
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals small texts for the store: AES-256-GCM under a key made of the server's secret and of one that is not on the
 * server (the cookie's, or an API key), so that neither a stolen store nor a stolen server secret opens them.
 */
export interface Sealer {
  /** @param name where it is kept: a record moved to another place does not open */
  seal(text: string, name: string, key: string): string
  /** The text; undefined when a bit is not as it was, or the key is another one. */
  open(sealed: string, name: string, key: string): string | undefined
}

/** @param secrets of the server: the first seals, all of them open, so that a secret can be replaced by a new one */
export const createSealer = (secrets: readonly Secret[]): Sealer => {
  const keyOf = (secret: Secret, name: string, key: string) =>
    Buffer.from(hkdfSync('sha256', key, secret.reveal(), `hostkey-s3-gateway/${VERSION}/${name}`, 32))

  const openWith = (secret: Secret, sealed: Buffer, name: string, key: string): string | undefined => {
    try {
      const iv = sealed.subarray(1, 1 + IV_BYTES)
      const tag = sealed.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES)
      // Without the length, a part of the tag would do.
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
      if (!current) throw new TypeError('a sealer needs a secret')
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', keyOf(current, name, key), iv)
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.from([VERSION]), iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed, name, key) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Not every bit of the last character counts in base64: what does not print the same was changed.
      if (bytes[0] !== VERSION || bytes.toString('base64url') !== sealed) return undefined
      for (const secret of secrets) {
        const text = openWith(secret, bytes, name, key)
        if (text !== undefined) return text
      }
      return undefined
    }
  }
}
