import type { ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { createClient, IncompleteList, isProblem } from '../../../client/src/index.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { serving } from '../../support/harness/serving.ts'
import { failureOf } from './failure.ts'

type Responder = (response: ServerResponse) => void

/** A server that answers each request with the next responder; the last one repeats. */
const serve = async (t: Test, ...responders: Responder[]) => {
  const requests: string[] = []
  const at: number[] = []
  const baseUrl = await serving(t, (request, response) => {
    at.push(performance.now())
    requests.push(`${request.method} ${request.url}`)
    responders[Math.min(requests.length, responders.length) - 1]?.(response)
  })
  return { baseUrl, token: 'any', requests, at }
}

const destroys: Responder = response => response.destroy()
const hangs: Responder = () => undefined
const plans: Responder = response => response.setHeader('content-type', 'application/json').end('{"items":[]}')
const fails =
  (status: number, name: string, retryable: boolean, retryAfter?: string): Responder =>
  response => {
    if (retryAfter !== undefined) response.setHeader('retry-after', retryAfter)
    const body = { type: `http://a.example/problems/${name}`, title: name, status, detail: name, retryable }
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body))
  }

t.test('a read', async t => {
  t.test('is retried when the connection breaks', async t => {
    const { requests, ...connection } = await serve(t, destroys, destroys, plans)
    t.same(await createClient(connection).GET('/plans'), { items: [] })
    t.equal(requests.length, 3)
  })

  t.test('is retried after a problem that is retryable', async t => {
    const { requests, ...connection } = await serve(
      t,
      fails(503, 'draining', true),
      fails(502, 'upstream-unreachable', true),
      plans
    )
    t.same(await createClient(connection).GET('/plans'), { items: [] })
    t.equal(requests.length, 3)
  })

  t.test('is retried after the 502 of a proxy', async t => {
    const { requests, ...connection } = await serve(
      t,
      response => response.writeHead(502).end('<h1>Bad gateway</h1>'),
      plans
    )
    t.same(await createClient(connection).GET('/plans'), { items: [] })
    t.equal(requests.length, 2)
  })

  t.test('is not retried after a problem that is not retryable', async t => {
    const { requests, ...connection } = await serve(t, fails(502, 'upstream-refused', false), plans)
    t.ok(isProblem(await failureOf(createClient(connection).GET('/plans')), 'upstream-refused'))
    t.equal(requests.length, 1)
  })

  t.test('is sent at most `attempts` times', async t => {
    const { requests, ...connection } = await serve(t, fails(503, 'overloaded', true))
    t.ok(isProblem(await failureOf(createClient(connection).GET('/plans')), 'overloaded'))
    t.equal(requests.length, 4)
    await failureOf(createClient({ ...connection, retry: { attempts: 2 } }).GET('/plans'))
    t.equal(requests.length, 6)
  })

  t.test('waits as long as Retry-After says', async t => {
    const { at, requests, ...connection } = await serve(t, fails(429, 'rate-limited', true, '1'), plans)
    await createClient(connection).GET('/plans')
    t.ok((at[1] ?? 0) - (at[0] ?? 0) >= 990, `${(at[1] ?? 0) - (at[0] ?? 0)} ms`)
    t.equal(requests.length, 2)
  })

  t.test('fails at once when Retry-After is longer than `maxWaitMs`, in seconds or as a date', async t => {
    for (const retryAfter of ['600', new Date(Date.now() + 600_000).toUTCString()]) {
      const { requests, ...connection } = await serve(t, fails(429, 'rate-limited', true, retryAfter), plans)
      const error = await failureOf(createClient(connection).GET('/plans'))
      if (!isProblem(error, 'rate-limited')) throw error
      t.ok(Math.abs((error.retryAfterSeconds ?? 0) - 600) < 3)
      t.equal(requests.length, 1)
    }
  })

  t.test('is aborted by its signal, during a pause and during a request', async t => {
    for (const responder of [fails(429, 'rate-limited', true, '5'), hangs]) {
      const reason = new Error('the page was left')
      const controller = new AbortController()
      const { requests, ...connection } = await serve(t, response => {
        responder(response)
        setTimeout(() => controller.abort(reason), 100)
      })
      const begunAt = performance.now()
      t.equal(await failureOf(createClient(connection).GET('/plans', { signal: controller.signal })), reason)
      t.ok(performance.now() - begunAt < 2000)
      t.equal(requests.length, 1)
    }
  })

  t.test('is limited by its timeout in each attempt', async t => {
    const { requests, ...connection } = await serve(t, hangs, plans)
    t.same(await createClient({ ...connection, timeoutMs: 200 }).GET('/plans'), { items: [] })
    t.equal(requests.length, 2)
    const hanging = await serve(t, hangs)
    const error = await failureOf(createClient({ ...hanging, timeoutMs: 50, retry: { attempts: 1 } }).GET('/plans'))
    t.equal((error as DOMException).name, 'TimeoutError')
  })

  t.test('waits for the rate limit of a real gateway', async t => {
    const { url, sandbox } = await gateway(t, { RATE_LIMIT_MAX: '4', RATE_LIMIT_WINDOW_MS: '1000' })
    const client = createClient({ baseUrl: url, token: sandbox.demo.token })
    for (let read = 0; read < 8; read++) t.ok((await client.GET('/plans')).items.length > 0)
    const impatient = createClient({ baseUrl: url, token: sandbox.demo.token, retry: { attempts: 1 } })
    const refused = await failureOf(Promise.all(Array.from({ length: 8 }, () => impatient.GET('/plans'))))
    if (!isProblem(refused, 'rate-limited')) throw refused
    t.equal(refused.retryAfterSeconds, 1)
  })
})

t.test('a write is sent once after any failure', async t => {
  const writes: [string, (client: ReturnType<typeof createClient>) => Promise<unknown>][] = [
    ['login', client => client.login({ apiKey: 'none' })],
    ['deleteFile', client => client.deleteFile('s3_user_1', 'logs', 'a')],
    [
      'createBucket',
      client =>
        client.POST('/accounts/{s3uid}/buckets', { params: { path: { s3uid: 's3_user_1' } }, body: { name: 'abc' } })
    ]
  ]
  for (const [name, write] of writes) {
    for (const responder of [destroys, fails(503, 'draining', true), fails(429, 'rate-limited', true, '0')]) {
      const { requests, ...connection } = await serve(t, responder)
      t.ok(await failureOf(write(createClient(connection))), name)
      t.equal(requests.length, 1, name)
    }
  }
})

t.test('a write is aborted by its signal', async t => {
  const calls: [string, (client: ReturnType<typeof createClient>, signal: AbortSignal) => Promise<unknown>][] = [
    ['login', (client, signal) => client.login({ apiKey: 'none' }, { signal })],
    ['logout', (client, signal) => client.logout({ signal })],
    ['deleteFile', (client, signal) => client.deleteFile('s3_user_1', 'logs', 'a', { signal })],
    ['POST', (client, signal) => client.POST('/session', { body: { apiKey: 'none' }, signal })],
    ['DELETE', (client, signal) => client.DELETE('/session', { signal })]
  ]
  for (const [name, call] of calls) {
    const reason = new Error('the page was left')
    const controller = new AbortController()
    const { requests, ...connection } = await serve(t, () => controller.abort(reason))
    t.equal(await failureOf(call(createClient({ ...connection, timeoutMs: 5000 }), controller.signal)), reason, name)
    t.equal(requests.length, 1)
  }
})

t.test('a stream', async t => {
  const begins =
    (text: string): Responder =>
    response => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.write(text)
    }
  const ends =
    (text: string): Responder =>
    response =>
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(text)
  const read = async (connection: Parameters<typeof createClient>[0]) => {
    const seen: string[] = []
    const error = await failureOf(
      (async () => {
        for await (const entry of createClient(connection).streamFiles('a', 'b')) {
          seen.push((entry.file ?? entry.folder).path)
        }
      })()
    )
    return { seen, error }
  }
  const file = (path: string) => `{"file":{"path":"${path}","links":{"self":"/"}}}\n`
  const end = (cursor: string) => `{"end":{"nextCursor":${cursor},"complete":${cursor === 'null'}}}\n`

  t.test('continues at the cursor when a replica ends its stream', async t => {
    const { requests, ...connection } = await serve(t, ends(file('a') + end('"next"')), ends(file('b') + end('null')))
    t.same(await read(connection), { seen: ['a', 'b'], error: undefined })
    t.same(requests, ['GET /accounts/a/buckets/b/file-stream', 'GET /accounts/a/buckets/b/file-stream?cursor=next'])
  })

  t.test('is retried when it opens, and never after its first line', async t => {
    const opened = await serve(t, destroys, ends(file('a') + end('null')))
    t.same((await read(opened)).seen, ['a'])
    const interrupted = await serve(t, response => {
      begins(file('a'))(response)
      setTimeout(() => response.destroy(), 50)
    })
    const { seen, error } = await read(interrupted)
    t.same(seen, ['a'])
    t.ok(error instanceof TypeError)
    t.equal(interrupted.requests.length, 1)
  })

  t.test('is incomplete without its last line', async t => {
    for (const text of [file('a'), file('a') + end('null').slice(0, -3)]) {
      const { seen, error } = await read(await serve(t, ends(text)))
      t.same(seen, ['a'])
      t.ok(error instanceof IncompleteList)
    }
  })

  t.test('joins characters and lines across chunks', async t => {
    const bytes = Buffer.from(file('naïve/日本語/😀') + end('null'))
    const connection = await serve(t, response => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      const send = (at: number): void => {
        if (at >= bytes.length) response.end()
        else response.write(bytes.subarray(at, at + 7), () => setTimeout(send, 1, at + 7))
      }
      send(0)
    })
    t.same(await read(connection), { seen: ['naïve/日本語/😀'], error: undefined })
  })

  t.test('fails when it is silent for `timeoutMs`', async t => {
    const { seen, error } = await read({ ...(await serve(t, begins(file('a')))), timeoutMs: 200 })
    t.same(seen, ['a'])
    t.equal((error as DOMException).name, 'TimeoutError')
  })

  t.test('closes its connection when the consumer stops', async t => {
    let isClosed = false
    const connection = await serve(t, response => {
      response.on('close', () => {
        isClosed = true
      })
      begins(file('a').repeat(3))(response)
    })
    for await (const { file } of createClient(connection).streamFiles('a', 'b')) {
      t.equal(file?.path, 'a')
      break
    }
    t.ok(await eventually(() => isClosed))
  })
})
