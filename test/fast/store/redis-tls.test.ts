import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createRedisStore } from '../../../src/store/redis.ts'
import { authority } from '../../support/harness/certificates.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { redisAt, redisServer } from '../../support/harness/redis.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

t.test('Redis with TLS that asks for a certificate', async t => {
  const folder = temporaryFolder(t)
  const { cert: ca, sign } = await authority(t)
  const [server, client] = [await sign(), await sign({ host: 'gateway' })]
  const path = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const port = await stablePort()
  const plain = await redisServer(t, {
    settings: [
      ...['--tls-port', String(port), '--tls-auth-clients', 'yes', '--tls-ca-cert-file', path('ca', ca)],
      ...['--tls-cert-file', path('cert', server.cert), '--tls-key-file', path('key', server.key)]
    ]
  })
  const url = `rediss://localhost:${port}`
  const shown = { certificate: client.cert, key: client.key }
  const check = async (url: string, more: Parameters<typeof redisAt>[1]) => {
    const store = await createRedisStore(redisAt(url, more))
    t.after(() => store.close())
    return store.check()
  }

  t.ok(
    await eventually(async () => (await check(url, { ca, ...shown })) === undefined),
    'works with the authority and a certificate'
  )
  t.match(await check(url, shown), { cause: 'tls', detail: /check REDIS_CA/ }, 'an unknown authority is explained')
  t.match(
    await check(`rediss://127.0.0.1:${port}`, { ca, ...shown }),
    { cause: 'tls', code: /ALTNAME/ },
    'so is a name'
  )
  t.match(await check(plain.url.replace('redis:', 'rediss:'), { ca }), { detail: /with TLS does not answer/ })
  t.match(await check(url, { ca }), { detail: /REDIS_CERT/ }, 'so is a missing certificate')
})
