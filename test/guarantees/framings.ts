/** A raw request that another server may read differently, and the refusal. */
interface Framing {
  /** `TOKEN` stands for a valid token. */
  bytes: string
  status: number
}

const CREDENTIAL = 'Authorization: Bearer TOKEN\r\n'
const KNOWN = `Host: gateway\r\n${CREDENTIAL}`
const ORDER = '{"planId":1,"bucketName":"photos"}'
/** The same as one chunk. */
const CHUNKS = `${ORDER.length.toString(16)}\r\n${ORDER}\r\n0\r\n\r\n`

const refused = (bytes: string, status = 400): Framing => ({ bytes, status })

/** A GET of the plans; `lines` follow the request line and end the head. */
const get = (lines: string, first = 'GET /plans HTTP/1.1') => refused(`${first}\r\n${lines}\r\n`)

/** A POST of an account, with these framing headers. */
const post = (framing: string, body: string, version = '1.1') =>
  refused(`POST /accounts HTTP/${version}\r\n${KNOWN}Content-Type: application/json\r\n${framing}\r\n${body}`)

const lengthOf = (value: string) => post(`Content-Length: ${value}\r\n`, ORDER)
const coded = (value: string) => post(`Transfer-Encoding: ${value}\r\n`, CHUNKS)
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body)
const withHeader = (line: string) => get(`${KNOWN}${line}\r\n`)

const LENGTH = `Content-Length: ${ORDER.length}\r\n`
const HEX = ORDER.length.toString(16)

/** Ambiguous or invalid framings by their fault. */
export const framings: Record<string, Framing> = {
  'a length, then chunked': post(`${LENGTH}Transfer-Encoding: chunked\r\n`, CHUNKS),
  'chunked, then a length': post(`Transfer-Encoding: chunked\r\n${LENGTH}`, CHUNKS),
  'two lengths that differ': post(`${LENGTH}Content-Length: 0\r\n`, ORDER),
  'two lengths that agree': post(LENGTH + LENGTH, ORDER),
  'a list of lengths': lengthOf(`${ORDER.length}, ${ORDER.length}`),
  'a length with a plus': lengthOf(`+${ORDER.length}`),
  'a negative length': lengthOf('-1'),
  'a length in hexadecimal': lengthOf(`0x${HEX}`),
  'a length with a blank in it': lengthOf('3 4'),
  'a length with a fraction': lengthOf(`${ORDER.length}.0`),
  'a length beyond 64 bits': lengthOf('99999999999999999999999'),
  'an empty length': lengthOf(''),
  'identity, chunked': coded('identity, chunked'),
  'chunked, identity': coded('chunked, identity'),
  'identity alone': coded('identity'),
  'gzip, chunked': coded('gzip, chunked'),
  'chunked in one header twice': coded('chunked, chunked'),
  'chunked in two headers': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', CHUNKS),
  'a coding that ends like chunked': coded('xchunked'),
  'chunked behind a vertical tab': coded('\x0bchunked'),
  'chunked on a folded line': post('Transfer-Encoding:\r\n chunked\r\n', CHUNKS),
  'a blank before the colon': post('Transfer-Encoding : chunked\r\n', CHUNKS),
  'chunked in HTTP/1.0': post('Transfer-Encoding: chunked\r\n', CHUNKS, '1.0'),
  'a chunk size that is none': chunked(`zz\r\n${ORDER}\r\n0\r\n\r\n`),
  'a chunk size with 0x': chunked(`0x${HEX}\r\n${ORDER}\r\n0\r\n\r\n`),
  'a negative chunk size': chunked(`-${HEX}\r\n${ORDER}\r\n0\r\n\r\n`),
  'a chunk size beyond 64 bits': chunked(`fffffffffffffffff\r\n${ORDER}\r\n0\r\n\r\n`),
  'a chunk longer than its size': chunked(`5\r\n${ORDER}\r\n0\r\n\r\n`),
  'a chunk size that ends with LF alone': chunked(`${HEX}\n${ORDER}\r\n0\r\n\r\n`),
  'a chunk extension that ends with LF alone': chunked(`${HEX};x=\n${ORDER}\r\n0\r\n\r\n`),
  'lines that end with LF alone': refused(`GET /plans HTTP/1.1\n${KNOWN.replaceAll('\r', '')}\n`),
  'CR alone within a value': withHeader('X-A: a\rX-B: b'),
  'a folded header': withHeader('X-A: a\r\n b'),
  'NUL in a value': withHeader('X-A: a\0b'),
  'NUL in a name': withHeader('X-\0A: a'),
  'a header without a colon': withHeader('X-A'),
  'a header that begins with a blank': get(` X-A: a\r\n${KNOWN}`),
  'a name with an underscore': withHeader('X_Forwarded_For: 192.0.2.1'),
  'two hosts': get(`${KNOWN}Host: other\r\n`),
  'no host': get(CREDENTIAL),
  'no version': get(KNOWN, 'GET /plans'),
  'version 2.0': get(KNOWN, 'GET /plans HTTP/2.0'),
  'version 1.0 beside the probes': get(KNOWN, 'GET /plans HTTP/1.0'),
  'a whole address as the target': get(KNOWN, 'GET http://gateway/plans HTTP/1.1'),
  TRACE: { ...get(KNOWN, 'TRACE /plans HTTP/1.1'), status: 405 },
  CONNECT: { ...get(KNOWN, 'CONNECT gateway:443 HTTP/1.1'), status: 405 }
}
