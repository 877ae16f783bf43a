import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, getGlobalDispatcher, request, setGlobalDispatcher } from 'undici'
import { amount, isLong } from '../support/harness/amount.ts'
import { eventually } from '../support/harness/eventually.ts'
import { exchange } from '../support/harness/exchange.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { percentile } from '../support/harness/latency.ts'
import { type Lives, slowClients } from './slow-clients.ts'

const SLOW = amount(20, 400)
const HEADS_GONE_S = 15
const BODIES_GONE_S = 18
/** In a short run other tests load the machine. */
const HEALTHY_P99_MS = amount(2000, 100)

/** Other programs may load the machine: one quiet measurement is enough. */
const ATTEMPTS = 2

/** 4 callers with a request every 50 ms: fewer than 1,000 requests during the 2,000 idle connections. */
const CALLERS = 4
const BETWEEN_MS = 50

t.test('slow clients do not block other clients', async t => {
  const figure = figuresOf(t, 'slow-clients')
  const { url, get, sandbox, managementUrl } = await gateway(t)
  const first = `GET /plans HTTP/1.1\r\nHost: x\r\n`
  const heads = { url, count: SLOW, first, more: 'X-Slow: 1\r\n' }
  const credential = `Authorization: Bearer ${sandbox.demo.token}`
  const framing = 'Content-Type: application/json\r\nContent-Length: 4096'
  const bodies = {
    url,
    count: SLOW,
    first: `POST /accounts HTTP/1.1\r\nHost: x\r\n${credential}\r\n${framing}\r\n\r\n{`,
    more: ' '
  }
  const idle = { url, count: 2000, first: '', more: '' }

  /** Times of other clients in the meantime. @throws Error when one of them fails */
  const healthyWhile = async <T>(t: Test, slow: Promise<T>) => {
    const times: number[] = []
    let isOver = false
    const caller = async () => {
      while (!isOver) {
        const begunAt = performance.now()
        const { statusCode } = await get('/plans')
        times.push(performance.now() - begunAt)
        if (statusCode !== 200) t.fail(`a healthy request got ${statusCode}`)
        await pause(BETWEEN_MS)
      }
    }
    const callers = Array.from({ length: CALLERS }, caller)
    const lives = await slow
    isOver = true
    await Promise.all(callers)
    return { lives, times: times.sort((a, b) => a - b) }
  }

  /** A connection ends with its 1,000th request: the callers must not need a new one while the gateway accepts none. */
  const reconnected = async () => {
    const before = getGlobalDispatcher()
    setGlobalDispatcher(new Agent())
    await before.close()
    await Promise.all(Array.from({ length: CALLERS }, () => get('/plans')))
  }

  /** The first quiet measurement, or the last. */
  const quietest = async <T>(t: Test, begin: () => Promise<T>) => {
    await reconnected()
    let measured = await healthyWhile(t, begin())
    for (let attempt = 1; attempt < ATTEMPTS && percentile(measured.times, 99) >= HEALTHY_P99_MS; attempt += 1) {
      t.comment(`p99 ${percentile(measured.times, 99).toFixed(1)} ms: once more`)
      await reconnected()
      measured = await healthyWhile(t, begin())
    }
    return measured
  }

  const longest = (lives: Lives) => lives.at(-1) ?? Number.POSITIVE_INFINITY
  const shown = (times: readonly number[]) => `${percentile(times, 99).toFixed(1)} ms over ${times.length} requests`

  t.test(`${SLOW} slow heads and ${SLOW} slow bodies are closed in time, and others are served`, async t => {
    const both = () => Promise.all([slowClients(heads), slowClients(bodies)])
    const {
      lives: [headLives, bodyLives],
      times
    } = await quietest(t, both)
    t.equal(headLives.length + bodyLives.length, 2 * SLOW)
    t.ok((headLives[0] ?? 0) > 5, 'a head may take some seconds')
    t.ok((bodyLives[0] ?? 0) > 5, 'a body may take some seconds')
    t.ok(longest(headLives) <= HEADS_GONE_S, `heads: ${longest(headLives)} s`)
    t.ok(longest(bodyLives) <= BODIES_GONE_S, `bodies: ${longest(bodyLives)} s`)
    t.ok(percentile(times, 99) < HEALTHY_P99_MS, shown(times))
    figure(`${SLOW} slow heads gone in ${longest(headLives).toFixed(1)} s, others p99 ${shown(times)}`)
    figure(`${SLOW} slow bodies gone in ${longest(bodyLives).toFixed(1)} s`)
    t.notOk(
      sandbox.control.calls().some(({ action }) => action !== 'list_plans'),
      'nothing was made of half a body'
    )
  })

  if (isLong) {
    t.test('2,000 idle connections are closed in time, and connected clients are served', async t => {
      const { lives, times } = await quietest(t, () => slowClients(idle))
      t.equal(lives.length, 2000)
      t.ok(percentile(lives, 50) > 5, 'most were accepted')
      t.ok(longest(lives) <= HEADS_GONE_S, `idle: ${longest(lives)} s`)
      t.ok(percentile(times, 99) < HEALTHY_P99_MS, shown(times))
      figure(`2,000 idle gone in ${longest(lives).toFixed(1)} s, others p99 ${shown(times)}`)
    })
  }

  t.test('no socket of theirs is left, and a new connection is accepted', async t => {
    const { statuses } = await exchange(url, ['GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'])
    t.strictSame(statuses, [200])
    const sockets = async () => {
      const metrics = await (await request(`${managementUrl}/metrics`)).body.text()
      return Number(/nodejs_active_handles\{type="Socket"\} (\d+)/.exec(metrics)?.[1] ?? 0)
    }
    t.ok(await eventually(async () => (await sockets()) < 50), `${await sockets()} sockets are open`)
  })
})
