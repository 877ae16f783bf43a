import t, { type Test } from 'tap'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { createRawClient } from '../support/harness/raw.ts'

const EVIL = '203.0.113.9'
const EVIL_HOST = 'evil.example'

/** Headers with which a client may forge the origin and the target of its request. */
const forged: Record<string, string> = {
  'X-Forwarded-For': EVIL,
  'X-Forwarded-Host': EVIL_HOST,
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '8443',
  'X-Forwarded-Prefix': '/evil',
  'X-Forwarded-Server': EVIL_HOST,
  'X-Forwarded-Uri': '/livez',
  'X-Forwarded-User': 'admin',
  'X-Forwarded-Method': 'DELETE',
  Forwarded: `for=${EVIL};host=${EVIL_HOST};proto=https`,
  'X-Real-IP': EVIL,
  'X-Client-IP': EVIL,
  'True-Client-IP': EVIL,
  'CF-Connecting-IP': EVIL,
  'X-Cluster-Client-IP': EVIL,
  'X-Original-URL': '/livez',
  'X-Rewrite-URL': '/livez',
  'X-HTTP-Method-Override': 'DELETE',
  Via: `1.1 ${EVIL_HOST}`,
  Host: EVIL_HOST
}

/** The trusted proxy: none, another network, or this machine. */
const settings = { none: '', 'another network': '192.0.2.0/24', 'this machine': 'loopback' } as const

/** The address of the client that a trusted proxy reports. */
const CLIENT = '198.51.100.7'

/** Sends four requests with the same headers. @returns their replies, log lines and remaining limits */
const witnessed = async (t: Test, trusted: string) => {
  const running = await gateway(t, { TRUST_PROXY: trusted, PUBLIC_URL: 'https://api.example/storage' })
  const raw = createRawClient(running.url)
  t.teardown(() => raw.close())
  const { control, demo } = running.sandbox
  const own = new URL(running.url).host

  const seenWith = async (given: Record<string, string>) => {
    const { Host: host = own, ...headers } = given
    control.reset()
    running.lines.length = 0
    const body = '{"name":"new-bucket"}'
    const known = { host, authorization: `Bearer ${demo.token}`, ...headers }
    const replies = [
      await raw.send('POST /accounts/s3_user_1/buckets HTTP/1.1', known, body),
      await raw.send('GET /nowhere HTTP/1.1', known),
      await raw.send('GET /accounts/s3_user_2 HTTP/1.1', known),
      await raw.send('GET /accounts/%zz HTTP/1.1', known)
    ]
    await eventually(() => records().length === replies.length)
    const [{ ip, caller } = {}, ...others] = records()
    for (const other of others) t.equal(other['ip'], ip)
    const left = replies.map(({ headers }) => Number(/"ip";r=(\d+)/.exec(headers['ratelimit'] ?? '')?.[1]))
    return {
      ip,
      caller,
      statuses: replies.map(({ statusCode }) => statusCode),
      locations: replies.map(({ headers }) => headers['location']),
      types: replies.map(({ json }) => json().type),
      // Each uses one more of the same limit.
      consumed: left.map((each, place) => (left[0] ?? Number.NaN) - each === place),
      text: replies.map(({ text, headers }) => JSON.stringify(Object.keys(headers).sort()) + withoutId(text)).join('\n')
    }
  }

  const records = (): Record<string, unknown>[] =>
    running.lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  return { running, raw, seenWith }
}

/** Removes what differs between replies: the id, and the creation time of the bucket. */
const withoutId = (body: string) => body.replace(/"(instance|createdAt)":"[^"]*"/g, '')

t.test('forwarded-headers: a forged header about where a request comes from changes nothing', async t => {
  const figure = figuresOf(t, 'forwarded-headers')
  const names = Object.keys(forged)
  t.equal(names.length, 20)
  let changes = 0
  let compared = 0

  for (const [who, trusted] of Object.entries(settings)) {
    t.test(`with ${who} as the trusted proxy`, async t => {
      const { seenWith, running } = await witnessed(t, trusted)
      // A proxy appends the address that it saw to the header of the client.
      const added = trusted === 'loopback' ? CLIENT : undefined
      const plain = await seenWith(added === undefined ? {} : { 'X-Forwarded-For': added })
      t.equal(plain.ip, added ?? '127.0.0.1', 'the address is that of the client, as far as it is known')
      t.strictSame(plain.statuses, [201, 404, 404, 400])
      t.notOk(plain.text.includes(EVIL_HOST))

      for (const [name, value] of Object.entries(forged)) {
        const behind = name === 'X-Forwarded-For' ? `${value}, ${added}` : value
        const headers = added === undefined ? { [name]: value } : { 'X-Forwarded-For': added, [name]: behind }
        const seen = await seenWith(headers)
        compared += 1
        changes += Number(JSON.stringify(seen) !== JSON.stringify(plain))
        t.strictSame(seen, plain, name)
      }
      t.notMatch(running.lines.join(''), /203\.0\.113\.9|evil/, 'nothing of it is logged')
    })
  }

  t.test('an address that is none is not taken from a trusted proxy', async t => {
    const { seenWith, running } = await witnessed(t, 'loopback')
    for (const value of ['evil', 'evil, 127.0.0.1', '"><evil>', `${EVIL}:80, evil:80`, '', ', ,']) {
      t.equal((await seenWith({ 'X-Forwarded-For': value })).ip, '127.0.0.1', value)
    }
    t.notMatch(running.lines.join(''), /evil/, 'nothing of it is logged')
  })

  t.test('400 for a name with an underscore, with every trust setting', async t => {
    for (const trusted of Object.values(settings)) {
      const { raw } = await witnessed(t, trusted)
      for (const name of ['X_Forwarded_For', 'X-Forwarded_Host', 'X_Real_IP']) {
        const { statusCode, json } = await raw.send('GET /livez HTTP/1.1', { [name]: EVIL })
        t.equal(statusCode, 400)
        t.match(json().errors, [
          { in: 'header', parameter: name.toLowerCase(), code: 'not-allowed', detail: 'contains an underscore' }
        ])
      }
    }
  })

  t.test('figures', async t => {
    figure(`${names.length} headers × ${Object.keys(settings).length} trust settings: ${changes} changes`)
    t.equal(compared, 60)
    t.equal(changes, 0)
  })
})
