import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'

/** 8 MiB, before and after decompression: 100 listed files take less than one; the vendor's own clients have this limit. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024

const decoders: Record<string, (bytes: Buffer) => Promise<Buffer>> = {
  gzip: bytes => promisify(gunzip)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
  'x-gzip': bytes => promisify(gunzip)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
  deflate: bytes => promisify(inflate)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
  br: bytes => promisify(brotliDecompress)(bytes, { maxOutputLength: MAX_BODY_BYTES })
}

/**
 * Undoes a Content-Encoding. The gateway asks for none, but a proxy may compress anyway.
 * @throws Error for an unknown encoding, broken data, or more than MAX_BODY_BYTES
 */
export const decompress = async (bytes: Buffer, encoding = 'identity'): Promise<Buffer> => {
  const name = encoding.trim().toLowerCase()
  if (name === 'identity' || name === '') return bytes
  const decode = decoders[name]
  if (!decode) throw new Error(`content-encoding ${name.slice(0, 20)}`)
  return decode(bytes)
}
