import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { MAX_BODY_BYTES } from '../../../../src/upstream/protocol/decompression.ts'
import { createTransport } from '../../../../src/upstream/protocol/transport.ts'
import { serving } from '../../../support/harness/serving.ts'

const encoders: Record<string, (text: string) => Buffer> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  ' GZip ': gzipSync,
  identity: Buffer.from,
  '': Buffer.from
}

const asked = {
  share: 'customer:1',
  isWrite: false,
  connection: 'new' as const,
  headersTimeoutMs: 5000
}

t.test('a reply that a server in between has compressed', async t => {
  let encoding = ''
  let body: Buffer = Buffer.alloc(0)
  const url = await serving(t, (_request, response) => {
    response.setHeader('content-encoding', encoding)
    response.end(body)
  })
  const transport = createTransport(new URL(url), { kept: 8, recent: 8, new: 8 })
  t.after(() => transport.close())
  const post = (text: string) => {
    body = encoders[encoding]?.(text) ?? body
    return transport.post('s3.php', '', { ...asked, deadlineAt: performance.now() + 5000 }).catch(error => error)
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
