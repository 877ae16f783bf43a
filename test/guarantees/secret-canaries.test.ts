import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { COOKIE } from '../../src/auth/cookie.ts'
import { startSandbox } from '../../src/sandbox/index.ts'
import { createContract } from '../support/assert/contract.ts'
import { leaksIn } from '../support/assert/leaks.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { redisServer } from '../support/harness/redis.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'

const figure = figuresOf(t, 'secret-canaries')

const examples: Record<string, string> = {
  s3uid: 's3_user_1',
  bucket: 'holiday-pictures',
  path: 'picture-001.jpg',
  kind: 'secret-key',
  planId: '1',
  orderId: '5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11',
  name: 'internal'
}

const bodies: Record<string, object> = {
  '/accounts': { planId: 1, bucketName: 'fresh' },
  '/accounts/s3_user_1/buckets': { name: 'fresh' },
  '/accounts/s3_user_1/buckets/holiday-pictures/presigned-urls': { operation: 'download', path: 'picture-001.jpg' },
  '/orders': { planId: 2, bucketName: 'fresh' }
}

interface Asked {
  operation: string
  text: string
}

t.test('a process that has seen every secret, from its start to its end', async t => {
  const sandbox = await startSandbox({ seed: crypto.randomUUID() })
  t.after(() => sandbox.close())
  const { control, demo } = sandbox
  const [accessKey, secretKey] = ['access_key', 'secret_key'].map(half => `${half}-canary-${crypto.randomUUID()}`)
  const redis = await redisServer(t, { settings: ['--appendonly', 'yes'] })
  const dataDir = temporaryFolder(t)
  const gateway = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    REDIS_URL: redis.url,
    DATA_DIR: dataDir,
    STORAGE_ENDPOINTS: 'NL=https://s3-nl.hostkey.com|nl',
    AUDIT_LOG: join(dataDir, 'audit.log'),
    LOG_LEVEL: 'trace',
    SESSION_SECRET: `${crypto.randomUUID()}${crypto.randomUUID()}`,
    RATE_LIMIT_MAX: '1000000'
  })
  const managementUrl = /metrics +(\S+)\/metrics$/m.exec(gateway.printed.out)?.[1]
  const { document } = await createContract(gateway.url)
  const asked: Asked[] = []

  const ask = async (method: string, path: string, headers: Record<string, string>, body?: object) => {
    const reply = await request(gateway.url + path, {
      method,
      headers: { ...headers, 'idempotency-key': crypto.randomUUID(), 'confirm-delete': 's3_user_1' },
      ...(body && { body: JSON.stringify(body) })
    })
    const text = await reply.body.text()
    const { 'set-cookie': cookies, ...shown } = reply.headers
    asked.push({ operation: `${method} ${path}`, text: `${text} ${JSON.stringify(shown)}` })
    return { status: reply.statusCode, cookies: [cookies].flat().join(';'), text }
  }
  const json = { 'content-type': 'application/json' }

  const login = await ask('POST', '/session', { 'x-csrf': '1', ...json }, { apiKey: demo.apiKey })
  const cookie = new RegExp(`${COOKIE}=([^;]+)`).exec(login.cookies)?.[1] ?? ''
  t.equal(login.status, 201)
  await ask('POST', '/session', { 'x-csrf': '1', ...json }, { email: demo.email, password: demo.password })
  await ask('POST', '/session', { 'x-csrf': '1', ...json }, { email: demo.email, password: `${demo.password}x` })
  const keys = await Promise.all(
    ['access-key', 'secret-key'].map(kind =>
      ask('GET', `/accounts/s3_user_1/keys/${kind}`, { authorization: `Bearer ${demo.token}` })
    )
  )
  const keyPair = keys.map(({ text }) => (JSON.parse(text) as { value: string }).value)

  const urls = '/accounts/s3_user_1/buckets/holiday-pictures/presigned-urls'
  for (const operation of ['download', 'upload']) {
    const bearer = { authorization: `Bearer ${demo.token}` }
    t.equal((await ask('POST', urls, { ...bearer, ...json }, { operation, path: 'x' })).status, 201)
  }

  const words = [demo.token, demo.apiKey, ...keyPair, accessKey, secretKey].join(' ')
  const misfortunes = [
    undefined,
    { kind: 'refusal', text: `all of this went wrong: ${words}` },
    { kind: 'html-502' },
    { kind: 'warning' },
    { kind: 'auth-failure' }
  ] as const
  const authenticators = [
    { authorization: `Bearer ${demo.token}` },
    { cookie: `${COOKIE}=${cookie}`, 'x-csrf': '1' },
    { authorization: `Bearer ${demo.token}`, 'x-request-id': demo.token, referer: `http://x/${demo.token}` }
  ]
  for (const misfortune of misfortunes) {
    for (const authScheme of authenticators) {
      control.reset()
      if (misfortune) control.fault(misfortune)
      for (const [path, methods] of Object.entries(document.paths)) {
        const target = path.replace(/\{(\w+)\}/g, (_, name: string) => examples[name] ?? 'x')
        for (const method of Object.keys(methods ?? {})) {
          if (target.startsWith('/session')) continue
          const body = method === 'post' ? bodies[target] : undefined
          await ask(method.toUpperCase(), target, { ...authScheme, ...(body && json) }, body)
        }
      }
    }
  }
  await ask('GET', `/accounts/${demo.token}/buckets?cursor=${demo.token}`, authenticators[0] ?? {})
  await ask('DELETE', '/session', authenticators[1] ?? {})
  const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
  const dump = [...(await redis.dump())]
  gateway.child.kill('SIGTERM')
  await new Promise(resolve => gateway.child.once('exit', resolve))

  const banner = gateway.printed.out.split('\n')
  const places: Record<string, string[]> = {
    'standard output': banner,
    metrics: [metrics],
    // The keys are what this one operation is for; a presigned URL names the access key.
    replies: asked
      .filter(({ operation }) => !/^GET .*\/keys\//.test(operation))
      .map(({ operation, text }) =>
        operation.endsWith('/presigned-urls') ? text.replace(/X-Amz-Credential=\w+/, '') : text
      ),
    Redis: dump,
    'files, the audit log among them': readdirSync(dataDir).map(name => readFileSync(join(dataDir, name), 'latin1'))
  }
  const canaries: Record<string, string[]> = {
    token: [demo.token],
    'API key': [demo.apiKey],
    password: [demo.password],
    'access key': [keyPair[0] ?? ''],
    'secret key': [keyPair[1] ?? ''],
    cookie: [cookie, ...cookie.split('.')]
  }
  let found = 0
  for (const [place, texts] of Object.entries(places)) {
    t.ok(texts.join('').length > 100, `${place} are there: ${texts.join('').length} characters`)
    for (const [name, secrets] of Object.entries(canaries)) {
      t.ok(secrets.every(secret => secret.length >= 8))
      const leaks = leaksIn(texts, secrets)
      found += leaks.length
      t.strictSame(leaks, [], `no ${name} in ${place}`)
    }
  }
  t.not(leaksIn([JSON.stringify({ a: demo.token })], [demo.token]).length, 0, 'and a leak would be found')
  figure(
    `${found} of ${Object.keys(canaries).length} canaries found in the ${Object.keys(places).length} places of ${asked.length} requests`
  )
})
