import type { Test } from 'tap'
import { type FaultKind, startSandbox } from '../../../../src/sandbox/index.ts'
import type { Reply } from '../../../support/harness/gateway.ts'
import {
  documentedGateway,
  freshToken,
  type Pair,
  type Provocation,
  type Provocations,
  type Provoke,
  prepared,
  sendChanged
} from './provocation.ts'

/** Fewer failures than open a breaker. */
const FEW = 4

/** A call that is not answered is given up after this: long enough for those that are answered on a busy machine. */
const DEADLINE_MS = '500'

/** The action that the operation asks first: of the storage, for a login that fails is another problem. */
const firstAction = ({ operation }: Pair): string => {
  const asked = operation['x-upstream-action']
  const first = asked.find(name => name.startsWith('s3/')) ?? asked[0] ?? ''
  return first.slice(first.indexOf('/') + 1)
}

/**
 * A gateway for every few pairs, whose breaker would answer in HOSTKEY's place after more. Gateways are asked side by
 * side, because they wait, and each its pairs one after the other.
 */
const byFew =
  (made: (t: Test, few: readonly Pair[]) => Promise<Provoke>): Provocation =>
  async ({ t }, pairs) => {
    const replies = new Map<Pair, () => Promise<Reply>>()
    for (let at = 0; at < pairs.length; at += FEW) {
      const few = pairs.slice(at, at + FEW)
      const provoke = await made(t, few)
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

/** HOSTKEY is gone once the gateway knows whose token each is: a purchase asks that first. */
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

/** HOSTKEY fails until the gateway lets it rest; then so it answers the others. */
const rested: Provocation = async ({ t, plain: { sandbox } }) => {
  const gateway = await documentedGateway(t, {}, { sandbox })
  return async pair => {
    sandbox.control.fault({ kind: 'empty-200', action: firstAction(pair) })
    let reply: Reply
    let tries = 0
    do {
      reply = await sendChanged(gateway, pair)
      tries += 1
    } while (reply.statusCode !== 503 && tries < MOST_TRIES)
    return reply
  }
}

/** Five failures in a row, and a probe now and then. */
const MOST_TRIES = 8

/** HOSTKEY does not answer, or not sense. */
export const outages: Provocations = {
  'upstream-bad-response': byFault('html-200'),
  'upstream-throttled': byFault('throttled'),
  'upstream-timeout': byFault('hang'),
  'upstream-unreachable': unreachable,
  'upstream-unavailable': rested
}
