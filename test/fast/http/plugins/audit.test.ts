import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { verifyAudit } from '../../../../src/observability/audit-verification.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway } from '../../../support/harness/gateway.ts'
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
    t.match(login, { event: 'login', outcome: 'ok', customerId: 1002, ip: '127.0.0.1', network: '127.0.0.0/24' })
    t.match(login, { credential: 'apiKey', account: /^[\w-]{22}$/ })
    const refused = await recorded('refused', options =>
      other.logIn({ email: demo.email, password: 'nonsense' }, options)
    )
    t.match(refused, { event: 'login', outcome: 'invalid-credentials', credential: 'password', ip: '127.0.0.1' })
    const again = await recorded('again', options =>
      other.logIn({ email: demo.email.toUpperCase(), password: 'other nonsense' }, options)
    )
    t.equal(again?.['account'], refused?.['account'], 'an account has one name')
    t.notOk(JSON.stringify(again).toLowerCase().includes(demo.email))
    const logout = await recorded('logout', options => other.del('/session', options))
    t.match(logout, { event: 'logout', outcome: 'ok', customerId: 1002, token: /^[0-9a-f]{16}$/ })
    const revoked = { event: 'token.revoked', outcome: 'ok', token: logout?.['token'] }
    t.ok(
      await eventually(() =>
        auditRecords().some(({ event, token }) => event === revoked.event && token === revoked.token)
      )
    )
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
    const own = ['bucket.create', 'file.delete', 'account.delete'] as const
    for (const [event, , entry] of cases.filter(([event]) => own.some(name => name === event))) {
      t.equal(entry?.['customerId'], 1002, `${event}: the customer of a bearer token that was looked up before`)
    }
    t.match(await recorded('7', options => browser.del(`${buckets}/never-created`, options)), {
      outcome: 'account-not-found'
    })
  })

  t.test('a refusal because of a missing scope', async t => {
    const refused = { event: 'scope.refused', outcome: 'insufficient-scope' }
    const agent = { 'user-agent': 'curl/8.5.0' }
    const service = await recorded('scope-1', options =>
      get('/plans', { ...as.reports, headers: { ...options.headers, ...agent } })
    )
    t.match(service, { ...refused, operation: 'listPlans', scope: 'plans:read', userAgent: 'curl', ...SERVICE })
    const bearer = await recorded('scope-2', options => get('/accounts?billing=com', options))
    t.match(bearer, { ...refused, operation: 'listAccounts', scope: 'admin', ...BEARER })
  })

  t.test('a check, a purchase and its repetition are three events', async t => {
    const order = { planId: 2, bucketName: 'bought' }
    const send = (path: string) => (options: { headers: Record<string, string> }) =>
      post(path, order, { headers: { ...options.headers, 'idempotency-key': 'q'.repeat(16) } })
    const check = await recorded('check', send('/orders/checks'))
    t.match(check, { event: 'order.check', outcome: 'ok', target: 'bought', ...BEARER })
    t.notOk('orderId' in (check ?? {}))
    sandbox.control.setCredit('demo', 1_000_000)
    const bought = await recorded('buy', send('/orders'))
    t.match(bought, { event: 'order.create', outcome: 'ok', customerId: 1002, s3uid: /^s3_user/, orderId: String })
    const { orderId, s3uid } = bought ?? {}
    t.match(await recorded('repeat', send('/orders')), { event: 'order.replay', outcome: 'ok', orderId, s3uid })
  })

  t.test('wrong secrets of services, filters of administrators, and limits', async t => {
    const wrong = { token: `${as.reports.token}x` }
    const refused = { event: 'service.refused', outcome: 'invalid-token', ip: '127.0.0.1' }
    t.match(await recorded('secret', options => get('/accounts', { ...wrong, ...options })), {
      ...refused,
      caller: 'service:reports'
    })
    const unknown = { token: as.reports.token.replace('reports', 'nobody') }
    const nobody = await recorded('nobody', options => get('/accounts', { ...unknown, ...options }))
    t.match(nobody, refused)
    t.notOk('caller' in (nobody ?? {}), 'text of a stranger is not in the log')
    const admin = { token: sandbox.control.tokenOf('admin') }
    t.match(await recorded('admin', options => get('/accounts?customerId=1005', { ...admin, ...options })), {
      event: 'admin.filter',
      outcome: 'ok',
      filters: ['customerId'],
      subject: '1005'
    })
    const limited = await gateway(t, { RATE_LIMIT_MAX: '2' })
    for (let request = 0; request < 5; request += 1) await limited.get('/accounts')
    t.match(
      limited.auditRecords().filter(({ event }) => event !== 'audit.opened'),
      [{ event: 'limit.reached', limit: 'caller', outcome: 'rate-limited', caller: BEARER.caller }],
      'once, however many requests are refused'
    )
  })

  t.test('a session that HOSTKEY ends, and the oldest one of too many', async t => {
    const events = (name: string) => auditRecords().filter(({ event }) => event === name)
    for (let login = 0; login < 11; login += 1) await createBrowser(running).logIn({ apiKey: demo.apiKey })
    t.match(events('session.evicted').at(-1), { customerId: 1002 })
    const other = createBrowser(running)
    await other.logIn({ apiKey: demo.apiKey })
    sandbox.control.expireSessions()
    const ended = await recorded('ended', options => other.get('/accounts', options))
    t.match(ended, { event: 'session.expired', outcome: 'session-expired', customerId: 1002, ...SESSION })
  })

  t.test('no reads, and no requests without a caller', async t => {
    const before = auditRecords().length
    await get('/accounts')
    await send('GET', '/accounts/s3_user_1/keys/secret-key', { token: null })
    await createBrowser(running, 'garbage').del('/accounts/s3_user_1')
    await recorded('last', options => get('/plans', { ...as.reports, ...options }))
    t.equal(auditRecords().length, before + 1)
  })

  t.test('the log of this run is whole; without any one of its lines it is not', async t => {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const faults = (kept: string[]) => verifyAudit([{ name: file, text: `${kept.join('\n')}\n` }]).faults
    t.strictSame(faults(lines), [])
    const events = new Set(auditRecords().map(({ event }) => event))
    const asked = ['login', 'logout', 'service.refused', 'scope.refused', 'admin.filter', 'key.read', 'session.evicted']
    for (const event of [...asked, 'order.check', 'order.create', 'order.replay', 'token.revoked']) {
      t.ok(events.has(event), event)
    }
    for (const index of lines.keys()) {
      // Only the log of the process tells whether the last line is missing.
      if (index < lines.length - 1) t.ok(faults(lines.toSpliced(index, 1)).length > 0, `line ${index}`)
    }
  })

  t.test('a file of its own with JSON lines, not readable for others', async t => {
    t.equal(statSync(file).mode & 0o007, 0)
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    t.ok(lines.every(line => JSON.parse(line).log === 'audit'))
    t.notOk(running.lines.join('').includes('"audit"'), 'nothing of it is in the request log')
  })
})
