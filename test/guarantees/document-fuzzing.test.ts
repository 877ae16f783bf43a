import fc from 'fast-check'
import t from 'tap'
import { Pool } from 'undici'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { replyFaults } from './fuzz/oracle.ts'
import { keepRegression } from './fuzz/regressions.ts'
import { type FuzzRequest, requestsTo } from './fuzz/requests.ts'
import { createStage } from './fuzz/stage.ts'
import { violationsIn } from './fuzz/wiretap.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
const RUNS = Number(process.env['FUZZ_RUNS'] ?? amount(200, 20_000))

const CLIENTS = 8

/** The sandbox is reset after this number of requests. */
const RESET_EVERY = 1000

t.test(`${RUNS} requests over sockets, ${CLIENTS} at a time`, async t => {
  process.stdout.write(`# seed of document-fuzzing: ${seed}\n`)
  const figure = figuresOf(t, 'document-fuzzing')
  const stage = await createStage()
  t.teardown(() => stage.close())
  const url = await stage.app.listen({ host: '127.0.0.1', port: 0 })
  const pool = new Pool(url, { connections: CLIENTS, pipelining: 1 })
  t.teardown(() => pool.close())
  let connections = 0
  stage.app.server.on('connection', () => {
    connections += 1
  })

  const ask = async (request: FuzzRequest) => {
    const headers = stage.headersOf(request)
    const {
      statusCode,
      headers: answered,
      body
    } = await pool.request({
      method: request.method,
      path: request.target,
      headers,
      ...(request.body !== undefined && { body: Buffer.from(request.body, 'latin1') })
    })
    const flat = Object.entries(answered).map(([name, value]) => [name, [value].flat().join(', ')])
    const reply = { statusCode, headers: Object.fromEntries(flat), text: await body.text() }
    return { reply, faults: replyFaults(stage.contract, `${request.method} ${request.target}`, reply) }
  }

  const faults: string[] = []
  const sent: string[] = []
  let sentCount = 0
  let asked = 0
  const clients = async (requests: FuzzRequest[]) => {
    const queue = requests[Symbol.iterator]()
    const client = async () => {
      for (const request of queue) {
        const { faults: found } = await ask(request)
        asked += 1
        if (found.length === 0) continue
        faults.push(`${keepRegression({ about: found[0] ?? '', request })}: ${found.join('; ')}`)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
  }

  const startedAt = performance.now()
  for (let done = 0; done < RUNS; done += RESET_EVERY) {
    const numRuns = Math.min(RESET_EVERY, RUNS - done)
    await stage.reset()
    await clients(fc.sample(requestsTo(stage.document, stage.dictionary), { seed: seed + done, numRuns }))
    const forms = stage.wiretap.take()
    sentCount += forms.length
    sent.push(...forms.flatMap(violationsIn))
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000)

  t.equal(asked, RUNS)
  t.strictSame(faults, [], `seed ${seed}: every reply is in the document, none is a 5xx`)
  t.strictSame(sent, [], 'every form holds the fields of its action, each once')
  t.ok(sentCount > RUNS / 5, `${sentCount} calls of HOSTKEY`)
  // One connection takes a thousand requests; the server closes it earlier after a request that it cannot frame.
  t.ok(connections < RUNS / 4, `${connections} connections`)
  figure(`seed ${seed}, ${asked} requests over ${connections} connections in ${seconds} s, ${sentCount} calls`)
  figure(`${faults.length + sent.length} violations`)
})
