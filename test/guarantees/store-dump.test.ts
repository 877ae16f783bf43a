import { createHash, randomBytes, randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { dayOf, deriveSigningKey } from '../../src/domain/storage/presigning.ts'
import type { Sandbox } from '../../src/sandbox/index.ts'
import { leaksIn } from '../support/assert/leaks.ts'
import { amount } from '../support/harness/amount.ts'
import { createBrowser } from '../support/harness/browser-caller.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { flipped } from '../support/harness/flipped.ts'
import { type Gateway, gateway } from '../support/harness/gateway.ts'
import { jobAfter } from '../support/harness/jobs.ts'
import { redisServer } from '../support/harness/redis.ts'
import { replicas, temporaryFolder } from '../support/harness/replicas.ts'
import { BUCKETS } from './redis-outage/stage.ts'

const FLIPS = amount(50, 1000)

/** Wrong credentials are secrets too: of another site, or mistyped. */
const WRONG = {
  apiKey: 'feedfacefeedface-0123456789abcdef',
  password: 'correct-horse-battery-staple',
  token: 'c0ffee'.repeat(6)
}

interface Dumped {
  env: Record<string, string>
  /** The content of the store, and what remains of deleted content. */
  texts(): Promise<string[]>
}

const stores: Record<string, (t: Test) => Promise<Dumped>> = {
  Redis: async t => {
    const redis = await redisServer(t)
    const heard = await redis.listen()
    return { env: { REDIS_URL: redis.url }, texts: async () => [...(await redis.dump()), ...heard] }
  },
  'the SQLite file': async t => {
    const folder = temporaryFolder(t)
    const rows = () => {
      const file = new DatabaseSync(join(folder, 'store.sqlite'), { readOnly: true })
      const all = file.prepare('SELECT key, value FROM entries').all() as { key: string; value: string }[]
      file.close()
      return all.map(({ key, value }) => `${key} ${value}`)
    }
    // With the journal, which still has replaced and removed rows.
    const bytes = () => readdirSync(folder).map(name => readFileSync(join(folder, name), 'latin1'))
    return { env: { SESSION_STORE: 'sqlite', DATA_DIR: folder }, texts: async () => [...rows(), ...bytes()] }
  }
}

const figures = figuresOf(t, 'store-dump')

/** Signs a URL. @returns the access key in it */
const signedKeyOf = async ({ post }: Pick<Gateway, 'post'>) => {
  const reply = await post(`${BUCKETS}/logs/presigned-urls`, { operation: 'upload', path: 'x' })
  return new URL(reply.json().url).searchParams.get('X-Amz-Credential')?.split('/')[0]
}

const accountIn = (control: Sandbox['control']) => {
  const account = control.state().accounts.find(({ s3uid }) => s3uid === 's3_user_1')
  if (!account) throw new TypeError('the fixture has no such account')
  return account
}

const digests = (secret: string) => {
  const hash = createHash('sha256').update(secret).digest()
  return [hash.toString('hex'), hash.toString('base64'), hash.toString('base64url')]
}

for (const [name, open] of Object.entries(stores)) {
  t.test(`a full dump of ${name} after a busy run`, async t => {
    const { env, texts } = await open(t)
    const { at, sandbox, service, settings } = await replicas(t, env)
    const { demo, control } = sandbox
    const cookies: string[] = []

    const browse = async (index: number, credential: object) => {
      const browser = createBrowser(at(index))
      const reply = await browser.logIn(credential)
      if (reply.statusCode !== 201) return reply.statusCode
      cookies.push(browser.cookie() ?? '')
      await Promise.all([browser.get(BUCKETS), browser.get('/session'), browser.get('/accounts')])
      return 201
    }
    const good = [
      { apiKey: demo.apiKey },
      { email: demo.email, password: demo.password },
      { token: demo.token },
      { token: control.tokenOf('other') }
    ]
    const bad = [{ apiKey: WRONG.apiKey }, { email: demo.email, password: WRONG.password }, { token: WRONG.token }]
    t.strictSame(
      await Promise.all(good.map((credential, index) => browse(index % 2, credential))),
      [201, 201, 201, 201]
    )
    t.strictSame(await Promise.all(bad.map(credential => browse(0, credential))), [401, 401, 401])
    const busy = [0, 1].flatMap(index => [
      at(index).get(BUCKETS, service),
      at(index).get('/accounts/s3_user_1/keys/access-key', service),
      at(index).get('/accounts/s3_user_1/keys/secret-key'),
      at(index).get(BUCKETS, { token: WRONG.token }),
      at(index).post(BUCKETS, { name: `bucket-${index}` }, service)
    ])
    await Promise.all(busy)
    const signed = () => Promise.all([0, 1].map(index => signedKeyOf(at(index))))
    const [before] = await signed()
    control.rotateKeys('s3_user_1')
    const { accessKey, secretKey } = accountIn(control)
    t.strictSame(await signed(), [accessKey, accessKey], 'each replica notices that the key pair was replaced')
    t.not(before, accessKey)
    const derived = deriveSigningKey(secretKey, dayOf(Date.now()), 'nl')
    // An expired token is replaced: the store held both.
    control.expireSessions()
    t.equal((await at(0).get(BUCKETS, service)).statusCode, 200)
    const loggedOut = createBrowser(at(1), cookies[0])
    t.equal((await loggedOut.logOut()).statusCode, 204)
    // One job has ended, another one is under way.
    const deletions = (bucket: string) => `/accounts/s3_user_1/buckets/${bucket}/file-deletions`
    const ended = await at(0).post(
      deletions('holiday-pictures'),
      { prefix: '2021/', confirm: 'holiday-pictures' },
      service
    )
    await jobAfter(at(0), ended.json().jobId, { options: service })
    control.fault({ kind: 'latency', action: 'delete_file', ms: 300 })
    const running = await at(1).post(deletions('logs'), { all: true, confirm: 'logs' }, service)
    t.equal(running.statusCode, 202, running.text)
    const wanted = { name: 'a partner of the run', scopes: ['buckets:read'], expiresInSeconds: 600 }
    const partners: string[] = []
    for (const options of [service, service]) partners.push((await at(0).post('/tokens', wanted, options)).json().token)
    for (const token of partners) t.equal((await at(1).get(BUCKETS, { token })).statusCode, 200)
    const held = await texts()

    t.test('has the records of the run', async t => {
      const counted = (pattern: RegExp) => new Set(held.flatMap(text => text.match(pattern) ?? [])).size
      t.ok(counted(/session:[\w-]{43}/g) >= 4, 'sessions')
      t.ok(counted(/sessions-of:\d+/g) >= 2, 'sets of sessions')
      t.ok(counted(/\btoken:[\w-]{43}/g) >= 2, 'derived tokens')
      t.ok(counted(/login:[\w-]{43}/g) >= 1, 'the login of the service')
      t.ok(held.join().includes(running.json().jobId), 'a job')
      t.ok(counted(/limit:(caller|ip|login|login-credential|key|write):/g) === 6, 'limits')
      t.not(leaksIn(held, ['sessions-of']).length, 0, 'and a secret among them would be found')
    })

    t.test('has no secret in any form', async t => {
      const halves = cookies.flatMap(cookie => [cookie, ...cookie.split('.')])
      const own = [settings.SESSION_SECRET, service.token, service.token.split('_').slice(2).join('_')]
      const signing = [derived.toString('base64'), derived.toString('hex')]
      const secrets = [...control.secrets(), ...Object.values(WRONG), ...halves, ...own, ...signing]
      t.ok(secrets.length > 30, `${secrets.length} secrets`)
      const leaks = leaksIn(held, secrets)
      t.strictSame(leaks, [])
      figures(
        `${leaks.length} of ${secrets.length} secrets, in 10 forms, in ${held.join('').length} characters of ${name}`
      )
    })

    t.test('has no digest of a password, which could be guessed', async t => {
      const passwords = [WRONG.password, ...['demo', 'other', 'admin'].map(name => control.customer(name).password)]
      t.strictSame(leaksIn(held, passwords.flatMap(digests)), [])
    })
  })
}

t.test('a record of a derived token whose bits were changed, and a token whose bits were', async t => {
  const folder = temporaryFolder(t)
  const env = { SESSION_STORE: 'sqlite', DATA_DIR: folder, SESSION_SECRET: randomBytes(32).toString('hex') }
  const running = await gateway(t, env)
  const { control } = running.sandbox
  const made = (await running.post('/tokens', { name: 'x', scopes: ['accounts:read'], expiresInSeconds: 600 })).json()
  const token: string = made.token
  t.equal((await running.get('/accounts', { token })).statusCode, 200)
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  t.after(async () => database.close())
  const record = database.prepare("SELECT key, value FROM entries WHERE key LIKE 'token:%'").get() as {
    key: string
    value: string
  }
  const put = database.prepare('UPDATE entries SET value = CAST(? AS TEXT) WHERE key = ?')
  control.clearCalls()
  const counts: Record<number, number> = {}
  const count = (statusCode: number) => (counts[statusCode] = (counts[statusCode] ?? 0) + 1)
  // A bit can make a space of a zero: here, what follows begins as a record of a newer version would.
  const newer = Buffer.from([22, ...new Uint8Array(40)]).toString('base64url')
  put.run(Buffer.from(`${record.value} ${newer}`), record.key)
  t.equal((await running.get('/accounts', { token })).statusCode, 401)
  for (let flip = 0; flip < FLIPS; flip += 1) {
    put.run(flipped(Buffer.from(record.value), randomInt(record.value.length * 8)), record.key)
    count((await running.get('/accounts', { token })).statusCode)
  }
  put.run(record.value, record.key)
  for (let flip = 0; flip < FLIPS; flip += 1) {
    // Any bit of `hkt_<22 characters>_<43 characters>` but those of the underscore between them and of the last character.
    const bytes = Buffer.from(`${token.slice(4, 26)}-${token.slice(27)}`, 'base64url')
    const place = randomInt(64 * 6)
    const at = place < 22 * 6 ? place : place + 6
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (0x80 >> (at & 7))
    const text = bytes.toString('base64url')
    count(
      (await running.get('/accounts', { token: `hkt_${text.slice(0, 22)}_${text.slice(23, 65)}${token.at(-1)}` }))
        .statusCode
    )
  }
  t.strictSame(counts, { 401: 2 * FLIPS })
  t.strictSame(control.calls(), [], 'HOSTKEY is asked nothing')
  t.equal((await running.get('/accounts', { token })).statusCode, 200, 'and as it was, it opens')
  figures(`${2 * FLIPS} flipped bits of a derived token and its record: ${counts[401]} × 401`)
})

t.test('a record whose bits were changed', async t => {
  const folder = temporaryFolder(t)
  const env = { SESSION_STORE: 'sqlite', DATA_DIR: folder, SESSION_SECRET: randomBytes(32).toString('hex') }
  const running = await gateway(t, env)
  const { control, demo } = running.sandbox
  const browser = createBrowser(running)
  await browser.logIn({ apiKey: demo.apiKey })
  const database = new DatabaseSync(join(folder, 'store.sqlite'))
  t.after(async () => database.close())
  const record = database.prepare("SELECT key, value FROM entries WHERE key LIKE 'session:%'").get() as {
    key: string
    value: string
  }
  const put = database.prepare('UPDATE entries SET value = CAST(? AS TEXT) WHERE key = ?')
  control.clearCalls()
  const counts = new Map<string, number>()
  for (let flip = 0; flip < FLIPS; flip += 1) {
    put.run(flipped(Buffer.from(record.value), randomInt(record.value.length * 8)), record.key)
    const reply = await createBrowser(running, browser.cookie()).get('/accounts')
    const said = `${reply.statusCode} ${String(reply.json().type).split('/').at(-1)}`
    counts.set(said, (counts.get(said) ?? 0) + 1)
  }
  const expired = counts.get('401 session-expired') ?? 0
  t.strictSame([...counts], [['401 session-expired', FLIPS]])
  t.strictSame(control.calls(), [], 'HOSTKEY is asked nothing')
  put.run(record.value, record.key)
  t.equal((await browser.get('/accounts')).statusCode, 200, 'and as it was, it opens')
  figures(`${FLIPS} flipped bits of a session record: ${expired} × 401, ${FLIPS - expired} of anything else`)
})
