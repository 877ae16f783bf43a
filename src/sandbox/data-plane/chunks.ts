import { Transform } from 'node:stream'
import { StorageRefusal } from './refusal.ts'

/** The longest line between two chunks: a size, a signature, or a checksum at the end. */
const MAX_LINE = 1024

/**
 * Decodes `aws-chunked`, in which SDKs send streams: `<hexadecimal size>[;chunk-signature=…]`, the bytes, and after the last
 * chunk lines with checksums. Signatures of chunks and checksums at the end are not checked.
 */
export const decodeChunks = (): Transform => {
  let pending: Buffer = Buffer.alloc(0)
  let left = 0
  let isAtEnd = false
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
      while (pending.length > 0 && !isAtEnd) {
        if (left > 0) {
          const chunk = pending.subarray(0, left)
          this.push(chunk)
          left -= chunk.length
          pending = pending.subarray(chunk.length)
          continue
        }
        const end = pending.indexOf('\r\n')
        if (end < 0) return done(pending.length > MAX_LINE ? malformed() : null)
        const line = pending.subarray(0, end).toString('latin1')
        pending = pending.subarray(end + 2)
        // The end of the chunk before.
        if (line === '') continue
        const [, size] = /^([0-9a-f]{1,8})(;|$)/i.exec(line) ?? []
        if (size === undefined) return done(malformed())
        left = Number.parseInt(size, 16)
        isAtEnd = left === 0
      }
      return done()
    },
    flush: done => done(isAtEnd ? null : malformed())
  })
}

const malformed = () => new StorageRefusal(400, 'IncompleteBody', 'The chunks of the body are malformed.')
