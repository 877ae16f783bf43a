import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { createTransport, MAX_BODY_BYTES } from '../../src/upstream/transport.ts'

const encoders: Record<string, (text: string) => Buffer> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  ' GZip ': gzipSync,
  identity: Buffer.from,
  '': Buffer.from
}

const asked = { script: 's3.php', form: '', isWrite: false, isFresh: true, headMs: 5000 }

t.test('a reply that a server in between has compressed', async t => {
  let encoding = ''
  let body: Buffer = Buffer.alloc(0)
  const server = createServer((_request, response) => {
    response.setHeader('content-encoding', encoding)
    response.end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const transport = createTransport(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  t.after(async () => {
    await transport.close()
    server.close()
  })
  const post = (text: string) => {
    body = encoders[encoding]?.(text) ?? body
    return transport.post({ ...asked, signal: AbortSignal.timeout(5000) }).catch(error => error)
  }

  for (encoding of Object.keys(encoders)) t.match(await post('ä "text"'), { status: 200, body: 'ä "text"' }, encoding)

  for (encoding of ['gzip', 'x-gzip', 'deflate', 'br']) {
    t.match(await post(' '.repeat(MAX_BODY_BYTES)), { status: 200 }, `${encoding}, 8 MiB`)
    t.match(
      await post(' '.repeat(MAX_BODY_BYTES + 1)),
      { problem: 'upstream-bad-response' },
      `${encoding}, one byte more`
    )
  }
})
