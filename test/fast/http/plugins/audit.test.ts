import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'
import { withServices } from '../../../support/harness/services.ts'

t.test('the audit log: one JSON line for each event', async t => {
  const file = join(temporaryFolder(t), 'logs', 'audit.log')
  const service = { reports: { scopes: ['keys:read' as const] } }
  const running = await withServices(t, service, { AUDIT_LOG: file })
  const { auditRecords, as, get, post, del, send, sandbox } = running
  const { demo } = sandbox
  const browser = createBrowser(running)
  await browser.logIn({ apiKey: demo.apiKey })

  const BEARER = { authScheme: 'bearer', caller: /^token:[0-9a-f]{16}$/, ip: '127.0.0.1' }
  const SESSION = { authScheme: 'session', caller: 'customer:1002', ip: '127.0.0.1' }
  const SERVICE = { authScheme: 'service', caller: 'service:reports', ip: '127.0.0.1' }
  const S3 = { s3uid: 's3_user_1' }

  /** What a request leaves in the log, by its id. */
  const recorded = async (
    requestId: string,
    ask: (options: { headers: Record<string, string> }) => Promise<unknown>
  ) => {
    await ask({ headers: { 'x-request-id': requestId } })
    const isIt = (entry: Record<string, unknown>) => entry['requestId'] === requestId
    await eventually(() => auditRecords().some(isIt))
    const [entry, ...others] = auditRecords().filter(isIt)
    t.same(others, [], `${requestId}: one line`)
    return entry
  }

  t.test('login and logout', async t => {
    const other = createBrowser(running)
    const login = await recorded('login', options => other.logIn({ apiKey: demo.apiKey }, options))
    t.match(login, { event: 'login', outcome: 'ok', customerId: 1002, ip: '127.0.0.1' })
    const refused = await recorded('refused', options =>
      other.logIn({ email: demo.email, password: 'nonsense' }, options)
    )
    t.match(refused, { event: 'login', outcome: 'invalid-credentials', ip: '127.0.0.1' })
    const logout = await recorded('logout', options => other.del('/session', options))
    t.match(logout, { event: 'logout', outcome: 'ok', customerId: 1002 })
    const all = await recorded('all', options => del('/sessions', options))
    t.match(all, { event: 'sessions.end', outcome: 'ok', ...BEARER })
    await browser.logIn({ apiKey: demo.apiKey })
  })

  t.test('a key that is read, with each way to authenticate', async t => {
    const path = '/accounts/s3_user_1/keys/secret-key'
    const event = { event: 'key.read', outcome: 'ok', target: 'secret-key', operation: 'getKey', ...S3 }
    t.match(await recorded('key-1', options => get(path, options)), { ...event, ...BEARER })
    t.match(await recorded('key-2', options => browser.get(path, options)), { ...event, ...SESSION })
    t.match(await recorded('key-3', options => get(path, { ...as.reports, ...options })), { ...event, ...SERVICE })
  })

  t.test('a file name with terminal controls and text direction marks: the line is ASCII', async t => {
    const path = 'a\u009b2J\u007f\u2028\u202e\u0424\u{1f600}\\\n'
    const target = `/accounts/s3_user_1/buckets/logs/files?path=${encodeURIComponent(path)}`
    const entry = await recorded('odd-file', options => del(target, options))
    t.match(entry, { event: 'file.delete', target: `logs/${path}` }, 'with the whole name')
    t.match(readFileSync(file, 'utf8'), /^[\n -~]+$/)
  })

  t.test('a refused request whose name is not text', async t => {
    const body = { name: { toString: 1 }, bucketName: [{ valueOf: null, toString: null }] }
    const entry = await recorded('no-text', options => post('/accounts/s3_user_1/buckets', body, options))
    t.match(entry, { event: 'bucket.create', outcome: 'invalid-request', ...S3, ...BEARER })
    t.notOk('target' in (entry ?? {}), 'the name is not in the log')
  })

  t.test('what is created and deleted', async t => {
    const order = { planId: 2, bucketName: 'ordered', location: 'NL' }
    const buckets = '/accounts/s3_user_1/buckets'
    sandbox.control.putFile('empty-bucket', 'a/b.txt')
    const withKey = ({ headers }: { headers: Record<string, string> }) => ({
      headers: { ...headers, 'idempotency-key': 'k'.repeat(16) }
    })
    const confirmed = ({ headers }: { headers: Record<string, string> }) => ({
      headers: { ...headers, 'confirm-delete': 's3_user_1' }
    })
    const cases = [
      ['bucket.create', 'photos', await recorded('1', options => post(buckets, { name: 'photos' }, options))],
      ['bucket.delete', 'photos', await recorded('2', options => browser.del(`${buckets}/photos`, options))],
      [
        'file.delete',
        'empty-bucket/a/b.txt',
        await recorded('3', options => del(`${buckets}/empty-bucket/files?path=a/b.txt`, options))
      ],
      [
        'account.create',
        'free',
        await recorded('4', options => post('/accounts', { planId: 1, bucketName: 'free' }, options))
      ],
      ['order.create', 'ordered', await recorded('5', options => post('/orders', order, withKey(options)))],
      ['account.delete', undefined, await recorded('6', options => del('/accounts/s3_user_1', confirmed(options)))]
    ] as const
    for (const [event, target, entry] of cases) {
      t.match(entry, { event, outcome: 'ok', log: 'audit', time: /^\d{4}-.*Z$/ }, event)
      t.equal(entry?.['target'], target)
      t.ok(entry?.['caller'])
    }
    t.match(await recorded('7', options => browser.del(`${buckets}/never-created`, options)), {
      outcome: 'account-not-found'
    })
  })

  t.test('a refusal because of a missing scope', async t => {
    const refused = { event: 'scope.refused', outcome: 'insufficient-scope' }
    const service = await recorded('scope-1', options => get('/plans', { ...as.reports, ...options }))
    t.match(service, { ...refused, operation: 'listPlans', scope: 'plans:read', ...SERVICE })
    const bearer = await recorded('scope-2', options => get('/accounts?billing=com', options))
    t.match(bearer, { ...refused, operation: 'listAccounts', scope: 'admin', ...BEARER })
  })

  t.test('no reads, and no requests without a caller', async t => {
    const before = auditRecords().length
    await get('/accounts')
    await send('GET', '/accounts/s3_user_1/keys/secret-key', { token: null })
    await createBrowser(running, 'garbage').del('/accounts/s3_user_1')
    await recorded('last', options => get('/plans', { ...as.reports, ...options }))
    t.equal(auditRecords().length, before + 1)
  })

  t.test('a file of its own with JSON lines, not readable for others', async t => {
    t.equal(statSync(file).mode & 0o007, 0)
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    t.ok(lines.every(line => JSON.parse(line).log === 'audit'))
    t.notOk(running.lines.join('').includes('"audit"'), 'nothing of it is in the request log')
  })
})
