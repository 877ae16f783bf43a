import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t, { type Test } from 'tap'
import { createSealer } from '../../../src/auth/seal.ts'
import { hashOf } from '../../../src/auth/services/entry.ts'
import { Secret } from '../../../src/core/secret.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { fails } from '../../support/assert/expect.ts'
import { leaksIn } from '../../support/assert/leaks.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { flipped } from '../../support/harness/flipped.ts'
import { gateway } from '../../support/harness/gateway.ts'

const temporary = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'seal-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const newSecret = () => randomBytes(32).toString('hex')

t.test('a sealed text', async t => {
  const sealer = createSealer([new Secret(newSecret())])
  const sealed = sealer.seal('the token', 'session:a', 'key')

  t.test('opens under its own name and key', async t => {
    t.equal(sealer.open(sealed, 'session:a', 'key'), 'the token')
    t.equal(sealer.open(sealer.seal('', 'n', 'k'), 'n', 'k'), '')
    t.not(sealer.seal('the token', 'session:a', 'key'), sealed, 'each seal is different')
  })
  t.test('does not open under another name, key or server secret', async t => {
    t.equal(sealer.open(sealed, 'session:b', 'key'), undefined)
    t.equal(sealer.open(sealed, 'session:a', 'kez'), undefined)
    t.equal(createSealer([new Secret(newSecret())]).open(sealed, 'session:a', 'key'), undefined)
  })
  t.test('does not open when any one bit was changed', async t => {
    const bytes = Buffer.from(sealed, 'base64url')
    const bits = Array.from({ length: bytes.length * 8 }, (_, bit) => flipped(bytes, bit).toString('base64url'))
    const characters = Array.from({ length: sealed.length * 8 }, (_, bit) =>
      flipped(Buffer.from(sealed), bit).toString('latin1')
    )
    t.same(
      [...bits, ...characters].filter(changed => sealer.open(changed, 'session:a', 'key') !== undefined),
      []
    )
  })
  t.test('does not open when it is truncated, empty or extended', async t => {
    const others = ['', 'A', '{}', sealed.slice(0, -1), sealed.slice(0, 20), `${sealed}A`, `${sealed}=`, ` ${sealed}`]
    for (const other of others) t.equal(sealer.open(other, 'session:a', 'key'), undefined, JSON.stringify(other))
  })
  t.test('does not open with a truncated tag, which is easier to forge', async t => {
    const bytes = Buffer.from(sealer.seal('', 'session:a', 'key'), 'base64url')
    const cut = Array.from(bytes, (_, length) => bytes.subarray(0, length).toString('base64url'))
    t.same(
      cut.filter(part => sealer.open(part, 'session:a', 'key') !== undefined),
      []
    )
  })
})

t.test('a session in a SQLite file', async t => {
  const dataDir = temporary(t)
  const running = await gateway(t, { SESSION_STORE: 'sqlite', DATA_DIR: dataDir, SESSION_SECRET: newSecret() })
  const database = new DatabaseSync(join(dataDir, 'store.sqlite'))
  t.after(async () => database.close())
  const records = () =>
    database.prepare("SELECT key, value FROM entries WHERE key LIKE 'session:%'").all() as {
      key: string
      value: string
    }[]
  const put = database.prepare('UPDATE entries SET value = CAST(? AS TEXT) WHERE key = ?')

  const browser = createBrowser(running)
  await browser.logIn({ apiKey: running.sandbox.demo.apiKey })
  const cookie = browser.cookie()
  const [record = { key: '', value: '' }] = records()

  t.test('401 session-expired when the record is replaced by that of another session', async t => {
    const other = createBrowser(running)
    await other.logIn({ token: running.sandbox.control.tokenOf('other') })
    const theirs = records().find(({ key }) => key !== record.key)
    put.run(theirs?.value ?? '', record.key)
    fails(t, await createBrowser(running, cookie).get('/session'), 401, 'session-expired')
    const [id] = (cookie ?? '').split('.')
    const [, secret] = (other.cookie() ?? '').split('.')
    fails(t, await createBrowser(running, `${id}.${secret}`).get('/session'), 401, 'session-expired')
    put.run(record.value, record.key)
  })
})

t.test('SESSION_SECRET takes a list: a session survives one rotation', async t => {
  const [first, second, third] = [newSecret(), newSecret(), newSecret()]
  const env = { SESSION_STORE: 'sqlite', DATA_DIR: temporary(t) }
  const sandbox = await startSandbox({ seed: newSecret() })
  t.after(() => sandbox.close())
  let cookie: string | undefined

  const restarted = (t: Test, secrets: string[]) =>
    gateway(t, { ...env, SESSION_SECRET: secrets.join(',') }, { sandbox })
  const statusWith = async (t: Test, secrets: string[]) =>
    (await createBrowser(await restarted(t, secrets), cookie).get('/accounts')).statusCode

  await t.test('it begins with the first secret', async t => {
    const browser = createBrowser(await restarted(t, [first]))
    t.equal((await browser.logIn({ apiKey: sandbox.demo.apiKey })).statusCode, 201)
    cookie = browser.cookie()
  })
  await t.test('it survives a restart', async t => t.equal(await statusWith(t, [first]), 200))
  await t.test('it survives one rotation', async t => t.equal(await statusWith(t, [second, first]), 200))
  await t.test('it ends with the second rotation', async t => t.equal(await statusWith(t, [third, second]), 401))
})

t.test('a dump of the SQLite file holds no token, key, password or cookie', async t => {
  const folder = temporary(t)
  const dataDir = join(folder, 'data')
  const sandbox = await startSandbox({ seed: newSecret() })
  t.after(() => sandbox.close())
  const servicesFile = join(folder, 'services.json')
  const secret = randomBytes(32).toString('base64url')
  const service = {
    id: 'reports',
    secrets: [hashOf(secret)],
    scopes: ['accounts:read'],
    apiKey: { env: 'REPORTS_KEY' }
  }
  writeFileSync(servicesFile, JSON.stringify({ services: [service] }))
  const { apiKeys, email, password } = sandbox.control.customer('other')
  const sessionSecret = newSecret()
  const env = {
    SESSION_STORE: 'sqlite',
    DATA_DIR: dataDir,
    SESSION_SECRET: sessionSecret,
    SERVICES_FILE: servicesFile,
    REPORTS_KEY: apiKeys[0]?.key ?? ''
  }
  const running = await gateway(t, env, { sandbox })

  const browsers = [createBrowser(running), createBrowser(running), createBrowser(running)]
  await browsers[0]?.logIn({ apiKey: sandbox.demo.apiKey })
  await browsers[1]?.logIn({ email, password })
  await browsers[2]?.logIn({ token: sandbox.demo.token })
  for (const browser of browsers) t.equal((await browser.get('/accounts')).statusCode, 200)
  t.equal((await running.get('/accounts', { token: `hks_reports_${secret}` })).statusCode, 200)
  t.equal((await running.get('/accounts/s3_user_1/keys/secret-key')).statusCode, 200)

  const dump = readdirSync(dataDir).map(name => readFileSync(join(dataDir, name), 'latin1'))
  t.match(dump.join(), /session:.*login:/s, 'the dump contains the records')
  const cookies = browsers.flatMap(browser => [browser.cookie() ?? '', ...(browser.cookie() ?? '').split('.')])
  t.same(leaksIn(dump, [...sandbox.control.secrets(), ...cookies, secret, sessionSecret, email]), [])
})
