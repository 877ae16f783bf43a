import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { decodeChunks } from './chunks.ts'
import { StorageRefusal } from './refusal.ts'

/** Bytes of a file, outside the memory of the process. */
export interface Content {
  /** MD5, hexadecimal: the ETag. */
  md5: string
  size: number
  /** @param end the last byte */
  read(start: number, end: number): Readable
  discard(): void
}

/** 1 GiB: what the sandbox stores of one file; S3 itself takes 5 GiB in one request. */
export const MAX_FILE_BYTES = 1024 ** 3

/** Keeps contents as files in a temporary folder, which is made at the first one. */
export const createContents = () => {
  let folder: Promise<string> | undefined
  return {
    /**
     * Stores the body of a request while it arrives.
     * @throws StorageRefusal when it is too large, or not what its headers say
     */
    async store(request: IncomingMessage): Promise<Content> {
      const { headers } = request
      const isChunked = String(headers['content-encoding'] ?? '').includes('aws-chunked')
      const announced = announcedLength(headers)
      folder ??= mkdtemp(join(tmpdir(), 'hostkey-s3-sandbox-'))
      const path = join(await folder, randomUUID())
      const discard = () => void rm(path, { force: true }).catch(() => undefined)
      const [md5, sha256] = [createHash('md5'), createHash('sha256')]
      let [size, crc] = [0, 0]
      const measure = new Transform({
        transform(bytes: Buffer, _encoding, done) {
          size += bytes.length
          crc = crc32(bytes, crc)
          md5.update(bytes)
          sha256.update(bytes)
          done(size > MAX_FILE_BYTES ? tooLarge() : null, bytes)
        }
      })
      const file = createWriteStream(path)
      try {
        await (isChunked ? pipeline(request, decodeChunks(), measure, file) : pipeline(request, measure, file))
        assertAsAnnounced(headers, { size, announced, crc, sha256: sha256.digest('hex') })
      } catch (error) {
        discard()
        throw error
      }
      return {
        md5: md5.digest('hex'),
        size,
        read: (start, end) => (size === 0 ? Readable.from([]) : createReadStream(path, { start, end })),
        discard
      }
    },
    async close(): Promise<void> {
      if (folder) await rm(await folder, { recursive: true, force: true })
    }
  }
}

export type Contents = ReturnType<typeof createContents>

/** The length of an upload. @throws StorageRefusal when it is missing or too large */
export const announcedLength = (headers: IncomingMessage['headers']): number => {
  const length = Number(headers['x-amz-decoded-content-length'] ?? headers['content-length'])
  if (Number.isNaN(length)) throw new StorageRefusal(411, 'MissingContentLength', 'Send Content-Length.')
  if (length > MAX_FILE_BYTES) throw tooLarge()
  return length
}

const tooLarge = () =>
  new StorageRefusal(
    400,
    'EntityTooLarge',
    'The sandbox stores at most 1 GiB in one file; S3 takes 5 GiB in one request, and more in parts.'
  )

const assertAsAnnounced = (
  headers: IncomingMessage['headers'],
  { size, announced, crc, sha256 }: { size: number; announced: number; crc: number; sha256: string }
): void => {
  if (size !== announced) throw new StorageRefusal(400, 'IncompleteBody', 'The body has not the announced length.')
  const payload = String(headers['x-amz-content-sha256'] ?? '')
  if (/^[0-9a-f]{64}$/.test(payload) && payload !== sha256) {
    throw new StorageRefusal(400, 'XAmzContentSHA256Mismatch', 'The body has not the announced SHA-256.')
  }
  const checksum = headers['x-amz-checksum-crc32']
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc)
  if (checksum !== undefined && checksum !== bytes.toString('base64')) {
    throw new StorageRefusal(400, 'BadDigest', 'The body has not the announced CRC-32.')
  }
}

/** 64 KiB of dots. */
const DOTS = Buffer.alloc(65_536, '.')

/** The content of a file that was not uploaded: dots. */
export const dotsOf = (path: string, size: number): Content => ({
  md5: createHash('md5').update(`${path} ${size}`).digest('hex'),
  size,
  read: (start, end) =>
    Readable.from(
      (function* () {
        for (let left = end - start + 1; left > 0; left -= DOTS.length)
          yield DOTS.subarray(0, Math.min(left, DOTS.length))
      })()
    ),
  discard: () => undefined
})
