import t from 'tap'
import { eventually } from '../support/harness/eventually.ts'
import { exchange } from '../support/harness/exchange.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { framings } from './framings.ts'

const CREDENTIAL = 'Host: gateway\r\nAuthorization: Bearer TOKEN'

/**
 * Requests behind the first one: writes, which continue even when their caller disconnects. The first of them reads
 * before it writes, and waits for its body; the second writes at once.
 */
const BODY = '{"name":"smuggled-bucket"}'
const SECONDS = [
  `POST /accounts/s3_user_1/buckets HTTP/1.1\r\n${CREDENTIAL}\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  `DELETE /accounts/s3_user_1/buckets/empty-bucket HTTP/1.1\r\n${CREDENTIAL}\r\n\r\n`
]

/** An idempotent request. */
const READ = `GET /plans/1 HTTP/1.1\r\n${CREDENTIAL}\r\n\r\n`

t.test('a request with ambiguous framing is refused', async t => {
  const figure = figuresOf(t, 'request-smuggling')
  const { url, sandbox, lines } = await gateway(t)
  const cases = Object.entries(framings)
  t.equal(cases.length, 46)
  let refused = 0
  let seconds = 0
  let handled = Number.NaN

  const answersTo = (...writes: string[]) =>
    exchange(
      url,
      writes.map(bytes => bytes.replaceAll('TOKEN', sandbox.demo.token))
    )

  for (const [what, { bytes, status }] of cases) {
    t.test(`${status} for ${what}, once, and the connection is closed`, async t => {
      let isRefused = true
      for (const writes of [[bytes], ...SECONDS.flatMap(second => [[bytes + second], [bytes, second]])]) {
        lines.length = 0
        const { statuses, text, isClosed } = await answersTo(...writes)
        t.strictSame(statuses, [status], text)
        t.ok(isClosed, 'it is closed')
        t.match(text, /^content-type: application\/problem\+json/im)
        isRefused &&= statuses[0] === status && isClosed
        seconds += Math.max(0, statuses.length - 1)
        t.ok(await eventually(() => requestsIn(lines).some(record => record['status'] === status)), 'it is logged')
        if (writes.length === 1 && writes[0] === bytes) t.equal(requestsIn(lines).length, 1, 'once')
      }
      refused += Number(isRefused)
    })
  }

  for (const header of ['Authorization: Bearer TOKEN', 'Content-Type: application/json']) {
    const name = header.split(':', 1)[0]?.toLowerCase()
    t.test(`400 for two headers ${name}, of which Node drops one`, async t => {
      const { statuses, text, isClosed } = await answersTo(
        `POST /accounts HTTP/1.1\r\n${CREDENTIAL}\r\nContent-Type: application/json\r\n${header}\r\nContent-Length: 2\r\n\r\n{}`
      )
      t.strictSame(statuses, [400], text)
      t.ok(
        text.includes(
          `"errors":[{"in":"header","parameter":"${name}","code":"repeated","detail":"is given more than once"}]`
        ),
        text
      )
      t.ok(isClosed)
    })
  }

  t.test('no call reaches HOSTKEY', async t => {
    handled = sandbox.control.calls().length
    t.equal(handled, 0)
  })

  t.test('the same requests with correct framing are served', async t => {
    const head = `${CREDENTIAL}\r\nContent-Type: application/json\r\nConnection: close\r\n`
    const body = '{"planId":1,"bucketName":"PHOTOS"}'
    for (const [framing, sent] of [
      [`Content-Length: ${body.length}`, body],
      ['Transfer-Encoding: Chunked', `${body.length.toString(16)};of=one\r\n${body}\r\n0\r\n\r\n`]
    ]) {
      const { text } = await answersTo(`POST /accounts HTTP/1.1\r\n${head}${framing}\r\n\r\n${sent}`)
      t.match(text, /"pointer":"\/bucketName"/, 'its body is read to the end')
    }
    const { statuses } = await answersTo(READ + READ.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    t.strictSame(statuses, [200, 200], 'a pipeline')
    // The second is answered by the plans that the first has brought.
    t.equal(sandbox.control.calls().length, 1)
  })

  t.test('figures', async t => {
    figure(`${refused} of ${cases.length} refused; ${handled} handlers run, ${seconds} second replies`)
    t.equal(refused, 46)
    t.equal(seconds, 0)
  })
})

const requestsIn = (lines: string[]): Record<string, unknown>[] =>
  lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
