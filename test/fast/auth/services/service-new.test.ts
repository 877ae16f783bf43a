import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { loadRegistry } from '../../../../src/auth/services/registry-file.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'

t.test('npm run service:new', async t => {
  const path = join(temporaryFolder(t), 'services.json')
  const run = (...args: string[]) => promisify(execFile)(process.execPath, ['scripts/service-new.ts', ...args])

  t.test('prints a credential, and an entry that the registry accepts', async t => {
    const { stdout } = await run('nightly-job', '--account', 's3_user_1', '--scope', 'keys:read', '--days', '30')
    const [, id, secret = ''] = /^ {2}hks_([a-z-]+)_([A-Za-z0-9_-]{43})$/m.exec(stdout) ?? []
    t.equal(id, 'nightly-job')
    t.equal(stdout.split(secret).length, 2, 'shown once')
    writeFileSync(path, `{"services":[${/^\{$.*^\}$/ms.exec(stdout)?.[0]}]}`)
    const service = loadRegistry(path, { HOSTKEY_API_KEY_NIGHTLY_JOB: 'key' }).get('nightly-job')
    t.ok(service?.owns(secret))
    t.same([...(service?.scopes ?? [])], ['keys:read'])
    t.same([...(service?.accounts ?? [])], ['s3_user_1'])
    t.ok(Math.abs((service?.expiresAt ?? 0) - Date.now() - 30 * 24 * 3600 * 1000) < 60_000)
  })

  t.test('prints a new secret each time, and by default scopes that only read, without keys:read', async t => {
    const [one, other] = await Promise.all([run('a'), run('a')])
    t.not(/hks_\S{40,}/.exec(one.stdout)?.[0], /hks_\S{40,}/.exec(other.stdout)?.[0])
    t.notMatch(one.stdout, /keys:read|write|delete"|admin/)
  })

  t.test('says in one sentence what is invalid', async t => {
    const invalid = [[], ['A'], ['a', 'b'], ['a', '--scope', 'rule'], ['a', '--write']]
    for (const args of invalid) {
      const error = await run(...args).catch((error: unknown) => error)
      t.match(error, { code: 1, stdout: '', stderr: /^[^\n]*npm run service:new[^\n]*\n$/ }, args.join(' '))
    }
  })

  t.test('--write adds the entry to the file, and prints only the secret', async t => {
    writeFileSync(path, '{"services":[]}')
    const { stdout } = await run('a', '--write', path)
    t.notMatch(stdout, 'sha256:')
    const [, secret = ''] = /^ {2}hks_a_(\S+)$/m.exec(stdout) ?? []
    t.ok(loadRegistry(path, { HOSTKEY_API_KEY_A: 'key' }).get('a')?.owns(secret))
  })
})
