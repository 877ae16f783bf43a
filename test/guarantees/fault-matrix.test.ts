import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { isWrite } from '../../src/upstream/actions/action.ts'
import { type ActionName, actions } from '../../src/upstream/actions/index.ts'
import { createContract } from '../support/assert/contract.ts'
import { actionNames } from '../support/harness/action-requests.ts'
import { amount, isLong } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { type Ending, requestFor, writeOf } from './fault-matrix/actions.ts'
import { endingOf, sentOf, shapeVerdicts, type Verdict, wireVerdicts } from './fault-matrix/expected.ts'
import { type MatrixGateway, matrixGateway, type TimedReply } from './fault-matrix/gateway.ts'
import { jsonShapes } from './fault-matrix/shapes.ts'
import { createStallClock } from './fault-matrix/stall.ts'
import { type WireFault, wireFaults } from './fault-matrix/wire.ts'
import { okBody } from './fault-matrix/world.ts'

/** Reads first: the first call of a gateway takes longer, and a write is followed by the reads that verify it. */
const ACTIONS = actionNames.toSorted((a, b) => Number(isWrite(actions[a])) - Number(isWrite(actions[b])))

/** The deadline of a call to an upstream that hangs. */
const DEADLINE_MS = amount(1000, 300)
/** What answers at once has longer, so that a busy machine does not turn a second attempt into a timeout. */
const ROOMY_MS = amount(6000, 2000)
/** Every reply arrives by then. */
const MAX_MS = DEADLINE_MS + amount(2000, 250)

/** So many gateways at once: most of the time they wait. */
const AT_ONCE = 4

/** How long it is waited for a gateway that sheds: 10 s. */
const MAX_SHED = 20
const SHED_PAUSE_MS = 500

/** One row of the matrix: a fault, and what it comes to. */
interface Row {
  name: string
  fault: WireFault
  bodyOf: (action: ActionName) => Buffer
  verdictOf: (action: ActionName) => Verdict
  hangs: boolean
}

const wireRows = Object.entries(wireFaults).map(([name, fault]): Row => {
  const verdict = wireVerdicts[name as keyof typeof wireFaults]
  const hangs = typeof verdict !== 'string' && verdict.problem === 'upstream-timeout' && verdict.stage === 'ambiguous'
  return { name, fault, bodyOf: action => okBody(action), verdictOf: () => verdict, hangs }
})

const shapeRows = Object.entries(jsonShapes).map(([name, { isExecuted, bodyOf }]): Row => {
  const { apply } = wireFaults.ok
  return {
    name,
    fault: { at: 'request', isExecuted, apply },
    bodyOf,
    verdictOf: shapeVerdicts[name as keyof typeof jsonShapes],
    hangs: false
  }
})

/** A short run takes every fourth fault. Those that hang stand side by side: they wait together. */
const rows = [...wireRows, ...shapeRows]
  .filter(({ name }, index) => isLong || name === 'ok' || index % 4 === 0)
  .sort((a, b) => Number(b.hangs) - Number(a.hangs))

const CELLS = rows.length * ACTIONS.length

const figures = figuresOf(t, 'fault-matrix')
const stall = createStallClock()
t.teardown(() => stall.stop())
const tally = { cells: 0, right: 0, ownFaults: 0, slowestMs: 0 }

/** What a success of each action looks like: any other success must look the same. */
const model = new Map<ActionName, TimedReply>()

const nameOf = (text: string): string | undefined => {
  const { type, problem } = JSON.parse(text)
  return type === undefined ? problem?.name : String(type).split('/').at(-1)
}

/** Is this how the write may end? */
const isEnding = ({ statusCode, text }: TimedReply, ending: Ending, problem: string): boolean => {
  if ('status' in ending) return statusCode === ending.status && (ending.status !== 202 || nameOf(text) === problem)
  if (statusCode < 400) return false
  return nameOf(text) === (ending.problem ?? problem) && JSON.parse(text).outcome === ending.outcome
}

/** Without ids and times, which each order has of its own. */
const steady = (text: string) => text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z/g, '…')

const isLike = (reply: TimedReply, action: ActionName, verdict: 'success' | 'empty'): boolean => {
  const like = model.get(action)
  if (reply.statusCode !== like?.statusCode) return false
  if (verdict === 'success') return steady(reply.text) === steady(like.text)
  const { items, buckets } = JSON.parse(reply.text)
  return (items ?? buckets ?? []).length === 0
}

/** What is wrong with the reply; nothing when it is one that the tables allow. */
const faultsOf = (reply: TimedReply, action: ActionName, row: Row): string[] => {
  const verdict = row.verdictOf(action)
  const shown = `${reply.statusCode} ${reply.text.slice(0, 300)}`
  if (typeof verdict === 'string') {
    return isLike(reply, action, verdict) ? [] : [`is no ${verdict} like ${model.get(action)?.text}: ${shown}`]
  }
  const { problem } = verdict
  const write = writeOf(action)
  if (!write) {
    const isRight = reply.statusCode >= 400 && nameOf(reply.text) === problem && !('outcome' in JSON.parse(reply.text))
    return isRight ? [] : [`is not ${problem}: ${shown}`]
  }
  const ending = endingOf(write.endings, problem, row.fault.isExecuted)
  return isEnding(reply, ending, problem) ? [] : [`is not ${JSON.stringify(ending)} after ${problem}: ${shown}`]
}

const isShed = ({ statusCode, text }: TimedReply) => statusCode === 503 && nameOf(text) === 'overloaded'

const runCell = async (t: Test, gateway: MatrixGateway, row: Row, action: ActionName, contract: Contract) => {
  const { upstream, calm, send } = gateway
  const request = requestFor(action)
  // A write takes a connection of its own: of those for reads some are open, and the fault does not reach them.
  let calmed = await calm(writeOf(action) !== undefined)
  for (let again = 0; again < MAX_SHED && calmed.includes(503); again += 1) {
    await pause(SHED_PAUSE_MS)
    calmed = await calm(writeOf(action) !== undefined)
  }
  const play = async () => {
    upstream.play({ action, fault: row.fault, body: row.bodyOf(action) })
    const before = stall.stalledMs()
    const reply = await send(request)
    // Client, gateway and HOSTKEY share this process: the time of its stalls does not count.
    return { ...reply, ms: reply.ms - (stall.stalledMs() - before) }
  }
  let reply = await play()
  // A busy machine: the gateway sheds what can wait, before HOSTKEY has anything to do with it.
  for (let again = 0; again < MAX_SHED && isShed(reply); again += 1) {
    await pause(SHED_PAUSE_MS)
    reply = await play()
  }
  const sent = upstream.hits(action)
  if (row.name === 'ok') model.set(action, reply)
  const wanted = sentOf(action, row.verdictOf(action))
  const faults = [
    ...(calmed.some(status => status !== 200) ? [`the reads before were answered ${calmed}`] : []),
    ...faultsOf(reply, action, row),
    ...contract.violations(`${request.method} ${request.target}`, reply),
    ...(sent === wanted ? [] : [`was sent ${sent} times, not ${wanted}`]),
    ...(reply.ms <= MAX_MS ? [] : [`took ${reply.ms.toFixed(0)} ms`])
  ]
  tally.cells += 1
  if (faults.length === 0) tally.right += 1
  if (reply.statusCode === 500) tally.ownFaults += 1
  tally.slowestMs = Math.max(tally.slowestMs, reply.ms)
  t.strictSame(faults, [], `${row.name}: ${action}`)
}

type Contract = Awaited<ReturnType<typeof createContract>>

/** A row on a gateway of its own: no breaker opens, and no cache knows anything. */
const runRow = async (t: Test, gateway: MatrixGateway, row: Row, contract: Contract) => {
  for (const action of ACTIONS) await runCell(t, gateway, row, action, contract)
  const internal = gateway.log.filter(line => /internal error|"level":(50|60)/.test(line))
  t.strictSame(internal, [], `${row.name}: nothing for an operator to look into`)
}

t.test('each cell ends as the tables say, in time', async t => {
  const first = rows.find(({ name }) => name === 'ok')
  if (!first) throw new Error('there is no row to compare with')
  const reference = await matrixGateway(ROOMY_MS)
  const contract = await createContract(reference.url)
  await runRow(t, reference, first, contract)
  await reference.close()
  const rest = rows.filter(row => row !== first)
  while (rest.length > 0) {
    const batch = rest.splice(0, AT_ONCE)
    // A gateway that starts keeps the process busy: all are up before the first is asked.
    const gateways: MatrixGateway[] = []
    for (const { hangs } of batch) gateways.push(await matrixGateway(hangs ? DEADLINE_MS : ROOMY_MS))
    await Promise.all(
      batch.map(async (row, index) => {
        const gateway = gateways[index]
        if (gateway) await runRow(t, gateway, row, contract)
      })
    )
    await Promise.all(gateways.map(gateway => gateway.close()))
  }
})

t.test('none is left out', async t => {
  t.equal(tally.cells, CELLS)
  t.equal(tally.ownFaults, 0)
  figures(`${tally.right} of ${CELLS} cells as expected, ${tally.ownFaults} of our own 500s`)
  figures(`slowest reply ${tally.slowestMs.toFixed(0)} ms at a deadline of ${DEADLINE_MS} ms`)
})
