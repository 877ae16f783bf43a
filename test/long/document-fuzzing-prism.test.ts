import fc from 'fast-check'
import t from 'tap'
import { errors, Pool } from 'undici'
import { keepRegression } from '../guarantees/fuzz/regressions.ts'
import { type FuzzRequest, requestsTo } from '../guarantees/fuzz/requests.ts'
import { createStage } from '../guarantees/fuzz/stage.ts'
import { violationsIn } from '../guarantees/fuzz/wiretap.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { serving } from '../support/harness/serving.ts'
import { isForPrism, OWN_ANSWERS, prismBefore, verdictOf } from './prism/prism.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
/** A fifth of document-fuzzing: Prism takes some milliseconds for each (6 s on a quiet machine, 65 s on a busy one). */
const RUNS = Number(process.env['PRISM_RUNS'] ?? 4000)

const CLIENTS = 8

/** 10 s: five times the slowest answer; a later one is assumed never to come. */
const ANSWER_MS = 10_000

/** The sandbox is reset after this number of requests. */
const RESET_EVERY = 1000

/** Minimum share of requests that Prism checks; it answers the others itself. */
const MIN_JUDGED = 0.75

/**
 * Other tests compare replies with the document by code of this project. Here Prism does it, as a proxy between client and
 * gateway.
 */
const figure = figuresOf(t, 'document-fuzzing')
const stage = await createStage()
t.teardown(() => stage.close())

const send = async (through: Pool, { method, target, body }: FuzzRequest, headers: Record<string, string>) => {
  const reply = await through.request({
    method,
    path: target,
    headers,
    ...(body !== undefined && { body: Buffer.from(body, 'latin1') })
  })
  const flat = Object.entries(reply.headers).map(([name, value]) => [name, [value].flat().join(', ')])
  return { statusCode: reply.statusCode, headers: Object.fromEntries(flat), text: await reply.body.text() }
}

t.test('Prism detects violations', async t => {
  /** Replies to GET /livez that violate the document. */
  const wrong: Record<string, [number, string, object]> = {
    'a number instead of a word': [200, 'application/json', { status: 5 }],
    'a missing member': [200, 'application/json', {}],
    'an undocumented media type': [200, 'text/json', { status: 'ok' }],
    'an undocumented success': [299, 'application/json', { status: 'ok' }],
    'an undocumented failure': [418, 'application/problem+json', { status: 418 }]
  }
  const url = await serving(t, (request, reply) => {
    const [status, type, body] = wrong[String(request.headers['x-wrong'])] ?? [
      200,
      'application/json',
      { status: 'ok' }
    ]
    reply.writeHead(status, { 'content-type': type, 'x-request-id': 'a-request' }).end(JSON.stringify(body))
  })
  const pool = new Pool(await prismBefore(t, url, stage.document))
  t.teardown(() => pool.close())
  const livez = { operationId: 'getLivez', method: 'GET', target: '/livez', headers: {}, as: null, meant: {} }
  t.strictSame(verdictOf(await send(pool, livez, {})), { violations: [] })
  for (const name of Object.keys(wrong)) {
    t.match(verdictOf(await send(pool, livez, { 'x-wrong': name })), { violations: [{ location: ['response'] }] }, name)
  }
})

t.test(`${RUNS} requests through Prism, ${CLIENTS} at a time`, async t => {
  process.stdout.write(`# seed of document-fuzzing through Prism: ${seed}\n`)
  const url = await stage.app.listen({ host: '127.0.0.1', port: 0 })
  const options = { connections: CLIENTS, pipelining: 1, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS }
  const pool = new Pool(await prismBefore(t, url, stage.document), options)
  const direct = new Pool(url, options)
  t.teardown(() => Promise.all([pool.destroy(), direct.close()]))

  const faults: string[] = []
  const sent: string[] = []
  const own: Record<string, number> = {}
  let judged = 0
  /** Prism's verdict; when Prism does not answer, the gateway must answer the same request without it. */
  const answerTo = async (request: FuzzRequest) => {
    const headers = stage.headersOf(request)
    try {
      const reply = await send(pool, request, headers)
      return { reply, verdict: verdictOf(reply) }
    } catch (error) {
      if (!(error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)) throw error
      return { reply: await send(direct, request, headers), verdict: { own: 'hangs' } }
    }
  }
  const judge = async (request: FuzzRequest) => {
    const { reply, verdict } = await answerTo(request)
    if ('own' in verdict) {
      own[verdict.own] = (own[verdict.own] ?? 0) + 1
      return verdict.own in OWN_ANSWERS ? [] : [`Prism answers ${verdict.own}: ${reply.text.slice(0, 300)}`]
    }
    judged += 1
    return [
      ...verdict.violations.map(({ location, message }) => `${location.join('.')}: ${message}`),
      ...(reply.statusCode >= 500 && verdict.violations.length === 0 ? [`${reply.statusCode}: ${reply.text}`] : [])
    ]
  }

  const startedAt = performance.now()
  let sentCount = 0
  for (let done = 0; done < RUNS; done += RESET_EVERY) {
    const numRuns = Math.min(RESET_EVERY, RUNS - done)
    await stage.reset()
    const fit = requestsTo(stage.document, stage.dictionary).filter(isForPrism)
    const queue = fc.sample(fit, { seed: seed + done, numRuns })[Symbol.iterator]()
    const client = async () => {
      for (const request of queue) {
        sentCount += 1
        const found = await judge(request)
        if (found.length > 0) faults.push(`${keepRegression({ about: found[0] ?? '', request })}: ${found.join('; ')}`)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    sent.push(...stage.wiretap.take().flatMap(violationsIn))
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000)

  t.equal(sentCount, RUNS)
  t.strictSame(faults, [], `seed ${seed}: Prism finds nothing`)
  t.strictSame(sent, [], 'every form has only the fields of its action, each once')
  t.ok(judged > RUNS * MIN_JUDGED, `${judged} replies judged; Prism’s own: ${JSON.stringify(own)}`)
  figure(`seed ${seed}, ${RUNS} requests through Prism in ${seconds} s, ${judged} replies of the gateway judged by it`)
  figure(`Prism: ${faults.length + sent.length} violations`)
})
