import type { StopSignal } from '../../core/abort.ts'
import { detached, type RequestContext } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { type Action, isWrite } from '../actions/action.ts'
import { listPlans } from '../actions/plans.ts'
import type { Call } from '../call.ts'
import { transportCauseOf } from '../protocol/failure-stage.ts'
import { type AccountBreakers, createAccountBreakers } from './account-breakers.ts'
import { type CallClass, classOf } from './call-classes.ts'
import { type CallResult, type CircuitBreaker, CircuitOpen, createCircuitBreaker } from './circuit-breaker.ts'
import { EVIDENCE, type Who } from './circuit-evidence.ts'
import type { State } from './circuit-state.ts'

/** Called when the circuit of a class opens, also after a failed probe, and when it closes. */
export type OnCircuitStateChange = (name: CallClass['name'], isOpen: boolean) => void

/**
 * HOSTKEY fails when it gives no answer, loses the connection, or answers with a status of 500 or more. Any other reply
 * is an answer, also one that does not fit: it may be due to the data of one customer.
 */
const resultOf = (error: unknown, action: Action, callerSignal: StopSignal): CallResult => {
  if (!isProblem(error)) return 'inconclusive'
  const cause = transportCauseOf(error)
  if (cause === undefined) return 'success'
  if (error.problem === 'upstream-bad-response' && cause.stage !== 'early' && !/^HTTP 5/.test(cause.code)) {
    return 'success'
  }
  // A read is aborted with its caller.
  return callerSignal.aborted && !isWrite(action) ? 'inconclusive' : 'failure'
}

/** Sends no call of a class whose circuit is open, nor a read of an account that keeps failing. */
export const withCircuitBreaker = (call: Call, onStateChange: OnCircuitStateChange): Call => {
  const breakers = new Map<CallClass['name'], Breakers>()

  const breakersOf = (action: Action): Breakers => {
    const { name } = classOf[action.effect]
    const known = breakers.get(name)
    if (known) return known
    const accounts = createAccountBreakers()
    const circuit = createCircuitBreaker({
      isProbedByReads: isWrite(action),
      onStateChange(isOpen) {
        // The failures were those of HOSTKEY, not of the accounts.
        if (isOpen) accounts.clear()
        onStateChange(name, isOpen)
      }
    })
    breakers.set(name, { accounts, circuit })
    return { accounts, circuit }
  }

  const guarded: Call = async (action, params, context) => {
    const { circuit, accounts } = breakersOf(action)
    const { caller } = context
    const { share, id } = caller
    // A write is never a probe, so an account's writes are not paused by themselves.
    const account = isWrite(action) ? undefined : () => accountOf(action, params, id)
    const begunIn = enter(circuit, accounts, { caller: share, id }, account, action)
    const record = (result: CallResult) => {
      if (account) accounts.record(account, result)
      circuit.record(begunIn, { caller: share, id, resolve: caller.resolveShare?.bind(caller) }, result)
      if (result !== 'success' || classOf[action.effect] !== classOf.read) return
      for (const other of breakers.values()) other.circuit.readAnswered()
    }
    try {
      const value = await call(action, params, context)
      record('success')
      return value
    } catch (error) {
      record(resultOf(error, action, context.signal))
      throw error
    }
  }

  const probing = new Set<string>()

  /** Sends a cheap read for a refused write: without other reads the circuit of the writes would never close. */
  const probe = (context: RequestContext) => {
    const { share } = context.caller
    if (probing.size >= EVIDENCE.minCallers || probing.has(share)) return
    probing.add(share)
    guarded(listPlans, {}, detached(context))
      .catch(() => undefined)
      .finally(() => probing.delete(share))
  }

  return (action, params, context) => {
    const answer = guarded(action, params, context)
    if (!isWrite(action)) return answer
    return answer.catch(error => {
      if (isProblem(error, 'upstream-unavailable')) probe(context)
      throw error
    })
  }
}

interface Breakers {
  circuit: CircuitBreaker
  accounts: AccountBreakers
}

/** An account as one caller uses it: a caller cannot pause the calls of another. Other reads count by their action. */
const accountOf = ({ name }: Action, params: object, caller: string): string =>
  JSON.stringify([caller, 's3uid' in params ? params.s3uid : name])

/** @throws Problem upstream-unavailable: nothing was sent */
const enter = (
  circuit: CircuitBreaker,
  accounts: AccountBreakers,
  { caller, id }: Who,
  account: (() => string) | undefined,
  action: Action
): State => {
  try {
    if (account) accounts.enter(account)
    try {
      return circuit.enter(caller, id)
    } catch (error) {
      if (account) accounts.record(account, 'inconclusive')
      throw error
    }
  } catch (error) {
    if (!(error instanceof CircuitOpen)) throw error
    throw new Problem('upstream-unavailable', 'Recent calls to HOSTKEY failed; this one was not sent.', {
      retryAfterSeconds: Math.ceil(error.retryAfterMs / 1000),
      ...(isWrite(action) && { outcome: 'not-applied' })
    })
  }
}
