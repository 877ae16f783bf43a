import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { fails } from '../../../support/assert/expect.ts'
import { type Break, tlsFront } from '../../../support/fakes/tls-front.ts'
import { authority } from '../../../support/harness/certificates.ts'
import { type Gateway, gateway } from '../../../support/harness/gateway.ts'

const FILE = '/accounts/s3_user_1/buckets/logs/files?path=access-00000.log.gz'
const NOT_SENT = { outcome: 'not-applied', retryable: true }

/** Does something with the first bytes of the client, which are those of its ClientHello. */
const onHello =
  (answer: Break): Break =>
  socket =>
    socket.once('data', () => answer(socket))

/** A record of TLS 1.2 that holds one fatal alert. */
const alert = (number: number) => (socket: Socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, number]))

const order = ({ post }: Gateway, bucketName: string) =>
  post('/orders', { planId: 2, bucketName }, { headers: { 'idempotency-key': randomUUID() } })

/** Every kind of write ends at once with nothing applied, and the name that was ordered stays free. */
const sendsNothing = async (t: Test, g: Gateway, bucketName: string) => {
  for (const reply of [await order(g, bucketName), await order(g, bucketName), await g.del(FILE)]) {
    fails(t, reply, 502, 'upstream-unreachable', NOT_SENT)
  }
}

t.test('a TLS front that breaks before the handshake ends', async t => {
  const ca = await authority(t)
  const other = await authority(t)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const front = await tlsFront(t, sandbox.url, await ca.sign())

  const breaks: Record<string, Break> = {
    'resets the connection': socket => socket.resetAndDestroy(),
    'hangs up': socket => socket.end(),
    'resets after the ClientHello': onHello(socket => socket.resetAndDestroy()),
    'hangs up after the ClientHello': onHello(socket => socket.end()),
    'answers in plain HTTP': onHello(socket => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')),
    'answers nonsense': onHello(socket => socket.end('SSH-2.0-OpenSSH_9.2p1\r\n')),
    'sends the alert handshake_failure': onHello(alert(40)),
    'sends the alert internal_error': onHello(alert(80)),
    'never answers': () => undefined,
    'knows no common version': front.serve({ ...(await ca.sign()), maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }),
    'shows a certificate from the future': front.serve(await ca.sign({ from: '20980101000000Z' })),
    'shows an expired certificate': front.serve(await ca.sign({ until: '20210101000000Z' })),
    'shows a certificate of another host': front.serve(await ca.sign({ host: 'elsewhere.example' })),
    'shows a certificate of another authority': front.serve(await other.sign())
  }

  for (const [index, [name, how]] of Object.entries(breaks).entries()) {
    t.test(`502 upstream-unreachable, not applied and retryable, at once, when it ${name}`, async t => {
      front.breakNext(undefined)
      sandbox.control.reset()
      // Each with breakers of its own.
      const g = await gateway(t, { UPSTREAM_URL: front.url, UPSTREAM_CA: ca.cert }, { sandbox })
      // The connection of reads stays open: only the new one of a write breaks.
      for (const path of ['/session', '/plans', '/accounts']) t.equal((await g.get(path)).statusCode, 200)
      front.breakNext(how)
      await sendsNothing(t, g, `photos-${index}`)
      t.notOk(sandbox.control.counters()['create_order'])
      front.breakNext(undefined)
      t.equal((await order(g, `photos-${index}`)).statusCode, 201, 'the name is still free')
    })
  }
})
