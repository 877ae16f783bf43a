import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { hashOf, loadRegistry, RegistryError } from '../../../../src/auth/services/registry.ts'
import { createLiveRegistry } from '../../../../src/auth/services/reload.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'

const folder = temporaryFolder(t)
const path = join(folder, 'services.json')
const keyFile = join(folder, 'key')
const SECRET = 'a-secret-that-nobody-quotes'
const ENV = { API_KEY: 'the-api-key-itself', BLANK: '' }

const entry = { id: 'reports', secrets: [hashOf(SECRET)], scopes: ['accounts:read'], apiKey: { env: 'API_KEY' } }

const write = (content: unknown) => writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))

const faultsOf = (...services: unknown[]): readonly string[] => {
  write({ services })
  try {
    loadRegistry(path, ENV)
  } catch (error) {
    if (error instanceof RegistryError) return error.faults
    throw error
  }
  return []
}

t.test('a service as the file declares it', async t => {
  writeFileSync(keyFile, 'the key of the file\n')
  const full = {
    ...entry,
    id: 'full',
    secrets: [hashOf('old'), hashOf('new')],
    accounts: ['s3_user_1'],
    rate: 'high',
    expiresAt: '2030-01-01T00:00:00+01:00',
    apiKey: { file: keyFile }
  }
  write({ services: [entry, full] })
  const services = loadRegistry(path, ENV)
  const least = services.get('reports')
  const most = services.get('full')
  t.match(least, { id: 'reports', accounts: undefined, limitFactor: 1, expiresAt: Number.POSITIVE_INFINITY })
  t.same([...(least?.scopes ?? [])], ['accounts:read'])
  t.equal(least?.apiKey.reveal(), ENV.API_KEY)
  t.ok(least?.owns(SECRET))
  t.notOk(least?.owns(`${SECRET}x`) || least?.owns('') || least?.owns(hashOf(SECRET)))
  t.match(most, { limitFactor: 10, expiresAt: Date.parse('2029-12-31T23:00:00Z') })
  t.ok(most?.accounts?.has('s3_user_1'))
  t.equal(most?.apiKey.reveal(), 'the key of the file')
  t.ok(most?.owns('old') && most.owns('new'), 'two secrets, while one replaces the other')
  t.notOk(JSON.stringify([...services.values()]).includes(ENV.API_KEY))
})

t.test('every fault is told', async t => {
  const faulty: [object, RegExp][] = [
    [{ id: 'Reports' }, /^\/services\/0\/id must match pattern/],
    [{ id: 'a_b' }, /\/id must match/],
    [{ secrets: [] }, /\/secrets must not have fewer than 1/],
    [{ secrets: [hashOf('1'), hashOf('2'), hashOf('3')] }, /\/secrets must not have more than 2/],
    [{ secrets: [SECRET] }, /\/secrets\/0 must match pattern/],
    [{ scopes: ['accounts:rule'] }, /\/scopes\/0 must be one of accounts:read, .*plans:read/],
    [{ scopes: [] }, /\/scopes must not have fewer/],
    [{ accounts: [] }, /\/accounts must not have fewer/],
    [{ rate: 'unlimited' }, /\/rate must be/],
    [{ expiresAt: 'tomorrow' }, /\/expiresAt must match/],
    [{ expiresAt: '2026-99-99T00:00:00Z' }, /^reports: expiresAt is no moment/],
    [{ apiKey: SECRET }, /\/apiKey must/],
    [{ apiKey: { env: 'NOT_SET' } }, /^reports: the variable NOT_SET is empty/],
    [{ apiKey: { env: 'BLANK' } }, /^reports: the variable BLANK is empty/],
    [{ apiKey: { file: join(folder, 'none') } }, /^reports: the file .* cannot be read/],
    [{ expires: '2030-01-01T00:00:00Z' }, /^\/services\/0\/expires is unknown$/]
  ]
  for (const [fault, told] of faulty) {
    t.ok(
      faultsOf({ ...entry, ...fault }).some(text => told.test(text)),
      JSON.stringify(fault)
    )
  }
  t.match(faultsOf(entry, entry), ['reports is declared twice'])
  t.same(faultsOf(entry), [])
})

t.test('all faults of all services at once, and no secret among them', async t => {
  const faults = faultsOf(
    { ...entry, id: SECRET, secrets: [SECRET], apiKey: SECRET },
    { ...entry, apiKey: { env: 'NOT_SET' } },
    { ...entry, id: 'x!', scopes: [SECRET] },
    entry,
    'service'
  )
  for (const told of [
    /^\/services\/0\/secrets/,
    /NOT_SET/,
    /^\/services\/2\/id/,
    /^\/services\/2\/scopes/,
    /twice/,
    /^\/services\/4 /
  ]) {
    t.ok(
      faults.some(fault => told.test(fault)),
      String(told)
    )
  }
  t.notOk(faults.join().includes(SECRET) || faults.join().includes(ENV.API_KEY))
})

t.test('a file that is no registry', async t => {
  for (const content of ['', '{', 'null', '[]', '{}', '{"services":{}}', '{"services":[],"more":1}', `{"${SECRET}`]) {
    write(content)
    t.throws(() => loadRegistry(path, ENV), RegistryError, content)
  }
  t.throws(() => loadRegistry(join(folder, 'none.json'), ENV), /cannot be read \(ENOENT\)/)
  write(`{"services": ["${SECRET}`)
  t.throws(() => loadRegistry(path, ENV), /not JSON\)$/, 'and the text is not quoted')
})

t.test('the live registry keeps what it has while the file is at fault', async t => {
  write({ services: [entry] })
  const live = createLiveRegistry(path, ENV)
  write({ services: [{ ...entry, scopes: ['nonsense'] }] })
  t.match(live.reload(), [/scopes/])
  t.ok(live.find('reports')?.scopes.has('accounts:read'))
  write({ services: [{ ...entry, id: 'new' }] })
  t.same(live.reload(), [])
  t.equal(live.find('reports'), undefined)
  t.ok(live.find('new'))
  t.same(createLiveRegistry(undefined, ENV).reload(), [])
})

t.test('npm run service:new', async t => {
  const run = (...args: string[]) => promisify(execFile)(process.execPath, ['scripts/service-new.ts', ...args])

  t.test('prints a secret, and an entry that the registry takes', async t => {
    const { stdout } = await run('nightly-job', '--account', 's3_user_1', '--scope', 'keys:read', '--days', '30')
    const [, id, secret = ''] = /^ {2}hks_([a-z-]+)_([A-Za-z0-9_-]{43})$/m.exec(stdout) ?? []
    t.equal(id, 'nightly-job')
    t.equal(stdout.split(secret).length, 2, 'once')
    write(`{"services":[${/^\{$.*^\}$/ms.exec(stdout)?.[0]}]}`)
    const service = loadRegistry(path, { HOSTKEY_API_KEY_NIGHTLY_JOB: 'key' }).get('nightly-job')
    t.ok(service?.owns(secret))
    t.same([...(service?.scopes ?? [])], ['keys:read'])
    t.same([...(service?.accounts ?? [])], ['s3_user_1'])
    t.ok(Math.abs((service?.expiresAt ?? 0) - Date.now() - 30 * 24 * 3600 * 1000) < 60_000)
  })

  t.test('another secret each time, and scopes that read and disclose no key', async t => {
    const [one, other] = await Promise.all([run('a'), run('a')])
    t.not(/hks_\S{40,}/.exec(one.stdout)?.[0], /hks_\S{40,}/.exec(other.stdout)?.[0])
    t.notMatch(one.stdout, /keys:read|write|delete"|admin/)
  })

  t.test('says what is wrong', async t => {
    for (const args of [[], ['A'], ['a', 'b'], ['a', '--scope', 'rule'], ['a', '--days', '0'], ['a_b']]) {
      const error = await run(...args).catch((error: unknown) => error)
      t.match(error, { code: 1, stdout: '', stderr: /npm run service:new/ }, args.join(' '))
    }
  })
})
