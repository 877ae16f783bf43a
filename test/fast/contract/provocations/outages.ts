import type { Test } from 'tap'
import { type FaultKind, startSandbox } from '../../../../src/sandbox/index.ts'
import { freshToken } from '../../../support/harness/fresh-token.ts'
import type { Reply } from '../../../support/harness/gateway.ts'
import {
  documentedGateway,
  type Pair,
  type Provocation,
  type Provocations,
  type Provoke,
  prepared,
  sendChanged
} from './provocation.ts'

/** Fewer failures than open a circuit. */
const FEW = 4

/** Deadline of a call: long enough for answers on a busy machine. */
const DEADLINE_MS = '500'

/** The first action of s3.php that the operation calls: a failing login would be another problem. */
const firstAction = ({ operation }: Pair): string => {
  const asked = operation['x-upstream-action']
  const first = asked.find(name => name.startsWith('s3/')) ?? asked[0] ?? ''
  return first.slice(first.indexOf('/') + 1)
}

/**
 * A gateway for every few pairs: after more failures its circuit would open. The gateways work concurrently, each on its
 * pairs in turn.
 */
const byFew =
  (prepare: (t: Test, few: readonly Pair[]) => Promise<Provoke>): Provocation =>
  async ({ t }, pairs) => {
    const replies = new Map<Pair, () => Promise<Reply>>()
    for (let at = 0; at < pairs.length; at += FEW) {
      const few = pairs.slice(at, at + FEW)
      const provoke = await prepare(t, few)
      let before: Promise<unknown> = Promise.resolve()
      for (const pair of few) {
        const reply = before.then(() => provoke(pair))
        before = reply.catch(() => undefined)
        replies.set(pair, () => reply)
      }
    }
    return prepared(replies)
  }

const byFault = (kind: FaultKind): Provocation =>
  byFew(async t => {
    const gateway = await documentedGateway(t, { UPSTREAM_TIMEOUT_MS: DEADLINE_MS })
    const { control } = gateway.sandbox
    return pair => {
      control.clearFaults()
      control.fault({ kind, action: firstAction(pair) })
      return sendChanged(gateway, pair)
    }
  })

/** HOSTKEY goes away after the gateway has identified each token, which an order does first. */
const unreachable = byFew(async (t, few) => {
  const sandbox = await startSandbox()
  const gateway = await documentedGateway(t, {}, { sandbox })
  const tokens = new Map<Pair, string>()
  for (const pair of few) {
    const token = await freshToken(sandbox)
    await gateway.get('/session', { token })
    tokens.set(pair, token)
  }
  await sandbox.close()
  return pair => sendChanged(gateway, pair, { token: tokens.get(pair) ?? null })
})

/** HOSTKEY fails for the only caller until the circuit opens. */
const openCircuit: Provocation =
  async ({ t, plain: { sandbox } }) =>
  async pair => {
    const gateway = await documentedGateway(t, {}, { sandbox })
    const isOpen = pair.operation.security.length === 0
    const token = isOpen ? null : await freshToken(sandbox)
    sandbox.control.fault({ kind: 'empty-500', action: firstAction(pair) })
    let reply: Reply
    let attempts = 0
    do {
      reply = await sendChanged(gateway, pair, { token })
      attempts += 1
    } while (reply.statusCode !== 503 && attempts < MAX_ATTEMPTS)
    return reply
  }

/** Five consecutive failures, and occasional probes. */
const MAX_ATTEMPTS = 8

/** HOSTKEY does not answer, or answers nonsense. */
export const outages: Provocations = {
  'upstream-bad-response': byFault('html-200'),
  'upstream-throttled': byFault('throttled'),
  'upstream-timeout': byFault('hang'),
  'upstream-unreachable': unreachable,
  'upstream-unavailable': openCircuit
}
