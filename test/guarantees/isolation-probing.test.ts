import { randomBytes, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Scope } from '../../schemas/scopes.ts'
import type { Entry } from '../../src/domain/orders/ledger/entry.ts'
import { createBrowser } from '../support/harness/browser-caller.ts'
import type { Reply } from '../support/harness/gateway.ts'
import { createJob, jobAfter } from '../support/harness/jobs.ts'
import { redisServer } from '../support/harness/redis.ts'
import { withServices } from '../support/harness/services.ts'

type Send = (path: string, headers?: Record<string, string>) => Promise<Reply>

const SCOPES: Scope[] = ['accounts:read', 'buckets:read', 'files:read', 'files:delete', 'orders:write']

/** A gateway with Redis, and callers beside the customer `demo`: others see none of its data, `same` is the customer itself. */
const crowd = async (t: Test) => {
  const redis = await redisServer(t)
  const g = await withServices(
    t,
    { limited: { scopes: SCOPES, accounts: ['s3_user_77'] }, foreign: { scopes: SCOPES, customer: 'other' } },
    { REDIS_URL: redis.url, SESSION_SECRET: randomBytes(32).toString('hex') }
  )
  const { demo, control } = g.sandbox
  const browserOf = async (apiKey: string) => {
    const browser = createBrowser(g)
    await browser.logIn({ apiKey })
    return browser
  }
  const otherKey = control.customer('other').apiKeys[0]?.key ?? ''
  const [own, other] = [await browserOf(demo.apiKey), await browserOf(otherKey)]
  const by =
    (token: string): Send =>
    (path, headers = {}) =>
      g.get(path, { token, headers })
  const others: Record<string, Send> = {
    'a bearer of another customer': by(control.tokenOf('other')),
    'a session of another customer': (path, headers = {}) => other.get(path, { headers }),
    'a service of another customer': by(g.as.foreign.token),
    'a service that may use another account': by(g.as.limited.token)
  }
  return { redis, g, others, same: { session: own } }
}

/** What a caller learns from a reply. */
const said = ({ statusCode, text }: Reply) => {
  const { instance: _, ...rest } = text === '' ? { instance: '' } : JSON.parse(text)
  return [statusCode, rest]
}

t.test('what one caller was given opens nothing for another', async t => {
  const { g, others, same } = await crowd(t)
  const FILES = '/accounts/s3_user_1/buckets/holiday-pictures/files?recursive=true&limit=5'
  const created = await g.post('/accounts', { planId: 1, bucketName: 'second-account', location: 'NL' })
  const second = `/accounts/${created.json().s3uid}/buckets/second-account/files?recursive=true&limit=5`
  for (let n = 0; n < 3; n += 1) {
    const { jobId } = await createJob(g, { paths: [`${n}.txt`] })
    await jobAfter(g, jobId)
  }
  const { nextCursor } = (await g.get(FILES)).json()
  const jobs = (await g.get('/jobs?limit=1')).json()
  const results = `/jobs/${jobs.items[0].jobId}/results`
  t.ok(nextCursor !== null && jobs.nextCursor !== null)

  t.test('a cursor', async t => {
    for (const [who, ask] of Object.entries(others)) {
      t.same(said(await ask(`${FILES}&cursor=${nextCursor}`)), said(await ask(FILES)), `${who}, the same list`)
      t.equal((await ask(FILES)).statusCode, 404)
      const list = await ask(`/jobs?limit=1&cursor=${jobs.nextCursor}`)
      t.match(list.json(), { name: 'invalid-cursor' }, `${who}, jobs`)
    }
    const elsewhere = '/accounts/s3_user_2/buckets/other-bucket/files?recursive=true&limit=5'
    const asOther = others['a bearer of another customer'] as Send
    t.match((await asOther(`${elsewhere}&cursor=${nextCursor}`)).json(), { name: 'invalid-cursor' })
    t.match((await g.get(`${second}&cursor=${nextCursor}`)).json(), { name: 'invalid-cursor' }, 'another account')
    t.equal((await same.session.get(`${FILES}&cursor=${nextCursor}`)).statusCode, 200)
  })

  t.test('an ETag', async t => {
    const paths = [
      FILES,
      '/accounts',
      '/accounts/s3_user_1',
      '/plans',
      '/jobs',
      `/jobs/${jobs.items[0].jobId}`,
      results
    ]
    for (const path of paths) {
      const { etag = '' } = (await g.get(path)).headers
      t.not(etag, '', path)
      for (const [who, ask] of Object.entries(others)) {
        const reply = await ask(path, { 'if-none-match': etag })
        t.not(reply.statusCode, 304, `${who}: ${path}`)
        t.same(said(reply), said(await ask(path)))
        t.not(reply.headers['etag'], etag)
      }
    }
    const { etag = '' } = (await g.get('/accounts')).headers
    t.equal((await same.session.get('/accounts', { headers: { 'if-none-match': etag } })).statusCode, 200)
    const ofSession = (await same.session.get('/accounts')).headers['etag'] ?? ''
    t.equal(
      (await g.get('/accounts', { headers: { 'if-none-match': ofSession } })).statusCode,
      304,
      'the same customer'
    )
  })

  t.test('the pages of jobs do not tell a service how many it may not see', async t => {
    const first = await g.get('/jobs?limit=1', g.as.limited)
    t.strictSame(first.json(), { items: [], nextCursor: null })
  })
})

t.test('what exists for others costs the same as what does not', async t => {
  const { redis, g } = await crowd(t)
  const { control, demo } = g.sandbox
  const tenant = String((await g.get('/session')).json().customerId)
  const entry = (state: Entry['state'], service?: string): Entry => ({
    orderId: randomUUID(),
    intent: {
      tenant,
      action: 'create_order',
      keyHash: randomUUID(),
      fingerprint: 'f',
      requested: { planId: 2, bucketName: randomUUID(), location: 'NL' },
      ...(service && { service })
    },
    state,
    createdAt: Date.now(),
    leasedAt: Date.now()
  })
  const keep = async (order: Entry) => {
    const key = `hks3:order-key:${tenant}:create_order:${order.intent.service ?? ''}:${order.intent.keyHash}`
    const text = JSON.stringify(order)
    const isOpen = order.state === 'sent'
    if (isOpen) await redis.command('SET', key, text, 'PX', '60000')
    await redis.command('SET', `hks3:order:${tenant}:${order.orderId}`, isOpen ? key.slice(5) : text, 'PX', '60000')
    return `/orders/${order.orderId}`
  }
  const orders = [await keep(entry('failed')), await keep(entry('sent')), await keep(entry('sent', 'service:another'))]
  const { jobId } = await createJob(g, { paths: ['0.txt'] })
  await jobAfter(g, jobId)

  const heard = await redis.listen()
  /** The commands to the store and the calls of HOSTKEY that a request costs, and what its caller learns. */
  const costOf = async (ask: () => Promise<Reply>) => {
    const marker = randomUUID()
    control.clearCalls()
    await redis.command('GET', `${marker} begin`)
    const reply = await ask()
    await redis.command('GET', `${marker} end`)
    while (!heard.some(line => line.includes(`${marker} end`))) await new Promise(setImmediate)
    const [begin, end] = ['begin', 'end'].map(side => heard.findIndex(line => line.includes(`${marker} ${side}`)))
    const commands = heard
      .slice((begin ?? 0) + 1, end)
      // Neither those that run by themselves, nor what a script does: it is in capitals.
      .filter(line => /^[a-z]+ .*hks3:/.test(line) && !/hks3:(queue|jobs-open|probe)/.test(line))
      .map(line => line.split(' ')[0])
    return { said: said(reply), commands, calls: control.calls().map(({ action }) => action) }
  }
  const costSame = async (t: Test, known: () => Promise<Reply>, unknown: () => Promise<Reply>, what: string) => {
    // The first request of a credential may cost more.
    await unknown()
    const [a, b] = [await costOf(known), await costOf(unknown)]
    t.same(a, b, what)
    t.ok(a.commands.length > 0, what)
  }
  const callers = {
    'a bearer': { token: control.tokenOf('other') },
    'a service of another customer': g.as.foreign,
    'a service with another account': g.as.limited
  }

  for (const [who, options] of Object.entries(callers)) {
    t.test(`for ${who}`, async t => {
      for (const order of orders) {
        await costSame(
          t,
          () => g.get(order, options),
          () => g.get(`/orders/${randomUUID()}`, options),
          'order'
        )
      }
      await costSame(
        t,
        () => g.get(`/jobs/${jobId}`, options),
        () => g.get(`/jobs/${randomUUID()}`, options),
        'job'
      )
      for (const part of ['', '/buckets', '/buckets/logs/files', '/usage']) {
        const at = (s3uid: string) => () => g.get(`/accounts/${s3uid}${part}`, options)
        await costSame(t, at('s3_user_1'), at('s3_user_987'), `account${part}`)
      }
    })
  }

  t.test('services', async t => {
    const at = (id: string) => () => g.get('/accounts', { token: `hks_${id}_${'x'.repeat(43)}` })
    await costSame(t, at('limited'), at('unheard'), 'service')
  })

  t.test('e-mails', async t => {
    const logIn = (email: string, address: string) => () =>
      g.post('/session', { email, password: 'wrong' }, { token: null, headers: { 'x-csrf': '1', 'x-test': address } })
    await costSame(t, logIn(demo.email, ''), logIn('nobody@example.com', ''), 'login')
  })
})
