import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hashOf } from '../../../../src/auth/services/entry.ts'
import { createServiceRegistry } from '../../../../src/auth/services/registry.ts'
import { loadRegistry, RegistryError } from '../../../../src/auth/services/registry-file.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'

const folder = temporaryFolder(t)
const path = join(folder, 'services.json')
const keyFile = join(folder, 'key')
const SECRET = 'a-secret-that-is-never-quoted'
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

t.test('loads a service as the file declares it', async t => {
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
  const minimal = services.get('reports')
  const complete = services.get('full')
  t.match(minimal, { id: 'reports', accounts: undefined, limitFactor: 1, expiresAt: Number.POSITIVE_INFINITY })
  t.same([...(minimal?.scopes ?? [])], ['accounts:read'])
  t.equal(minimal?.apiKey.reveal(), ENV.API_KEY)
  t.ok(minimal?.owns(SECRET))
  t.notOk(minimal?.owns(`${SECRET}x`) || minimal?.owns('') || minimal?.owns(hashOf(SECRET)))
  t.match(complete, { limitFactor: 10, expiresAt: Date.parse('2029-12-31T23:00:00Z') })
  t.ok(complete?.accounts?.has('s3_user_1'))
  t.equal(complete?.apiKey.reveal(), 'the key of the file')
  t.ok(complete?.owns('old') && complete.owns('new'), 'both secrets, while they are rotated')
  t.notOk(JSON.stringify([...services.values()]).includes(ENV.API_KEY))
})

t.test('reports every fault of an entry', async t => {
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
    [{ expiresAt: '2026-99-99T00:00:00Z' }, /^reports: expiresAt is not a date/],
    [{ apiKey: SECRET }, /\/apiKey must/],
    [{ apiKey: { env: 'NOT_SET' } }, /^reports: the environment variable NOT_SET is not set/],
    [{ apiKey: { env: 'BLANK' } }, /^reports: the environment variable BLANK is empty/],
    [{ apiKey: { file: join(folder, 'none') } }, /^reports: the file .*none does not exist/],
    [{ expires: '2030-01-01T00:00:00Z' }, /^\/services\/0\/expires is unknown$/]
  ]
  for (const [fault, message] of faulty) {
    t.ok(
      faultsOf({ ...entry, ...fault }).some(text => message.test(text)),
      JSON.stringify(fault)
    )
  }
  t.match(faultsOf(entry, entry), ['reports is declared twice'])
  t.same(faultsOf(entry), [])
})

t.test('reports the faults of all entries together, and quotes no secret', async t => {
  const faults = faultsOf(
    { ...entry, id: SECRET, secrets: [SECRET], apiKey: SECRET },
    { ...entry, apiKey: { env: 'NOT_SET' } },
    { ...entry, id: 'x!', scopes: [SECRET] },
    entry,
    'service'
  )
  for (const message of [
    /^\/services\/0\/secrets/,
    /NOT_SET/,
    /^\/services\/2\/id/,
    /^\/services\/2\/scopes/,
    /twice/,
    /^\/services\/4 /
  ]) {
    t.ok(
      faults.some(fault => message.test(fault)),
      String(message)
    )
  }
  t.notOk(faults.join().includes(SECRET) || faults.join().includes(ENV.API_KEY))
})

t.test('RegistryError when the file is not a registry', async t => {
  for (const content of ['', '{', 'null', '[]', '{}', '{"services":{}}', '{"services":[],"more":1}', `{"${SECRET}`]) {
    write(content)
    t.throws(() => loadRegistry(path, ENV), RegistryError, content)
  }
  t.throws(() => loadRegistry(join(folder, 'none.json'), ENV), /none.json does not exist \(ENOENT\)/)
  write('\uFEFF{"services": []}\r\n')
  t.equal(loadRegistry(path, ENV).size, 0, 'as editors on Windows save it')
  writeFileSync(path, Buffer.from('{"services": []}', 'utf16le'))
  t.throws(() => loadRegistry(path, ENV), /UTF-16: save it as UTF-8/)
  write(`{"services": ["${SECRET}`)
  t.throws(() => loadRegistry(path, ENV), /is not JSON$/, 'the content is not quoted')
})

t.test('reload keeps the previous services while the file is invalid', async t => {
  write({ services: [entry] })
  const live = createServiceRegistry(path, ENV)
  write({ services: [{ ...entry, scopes: ['nonsense'] }] })
  t.match(live.reload(), [/scopes/])
  t.ok(live.find('reports')?.scopes.has('accounts:read'))
  write({ services: [{ ...entry, id: 'new' }] })
  t.same(live.reload(), [])
  t.equal(live.find('reports'), undefined)
  t.ok(live.find('new'))
  t.same(createServiceRegistry(undefined, ENV).reload(), [])
})
