import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'

/** 8 MiB, before and after decompression: the limit of the vendor's own clients. An action may have a smaller one. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024

const decoders: Record<string, (bytes: Buffer, maxOutputLength: number) => Promise<Buffer>> = {
  gzip: (bytes, maxOutputLength) => promisify(gunzip)(bytes, { maxOutputLength }),
  'x-gzip': (bytes, maxOutputLength) => promisify(gunzip)(bytes, { maxOutputLength }),
  deflate: (bytes, maxOutputLength) => promisify(inflate)(bytes, { maxOutputLength }),
  br: (bytes, maxOutputLength) => promisify(brotliDecompress)(bytes, { maxOutputLength })
}

/**
 * Undoes a Content-Encoding. The gateway asks for none, but a proxy may compress anyway.
 * @throws Error for an unknown encoding, broken data, or more than `maxBytes`
 */
export const decompress = async (bytes: Buffer, encoding?: string, maxBytes = MAX_BODY_BYTES): Promise<Buffer> => {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return bytes
  const decode = decoders[name]
  if (!decode) throw new Error(`content-encoding ${name.slice(0, 20)}`)
  return decode(bytes, maxBytes)
}
