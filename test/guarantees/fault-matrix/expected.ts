import type { ProblemName } from '../../../schemas/problems.ts'
import { type ActionName, actions } from '../../../src/upstream/actions/index.ts'
import { type Ending, type Endings, expectations, type Readings } from './actions.ts'
import type { ShapeName } from './shapes.ts'
import type { WireName } from './wire.ts'

/**
 * How often an action may be sent, by the stage at which the first attempt failed.
 * `not-sent`: the connection broke before a byte of the request was handed to it · `early`: it broke before a byte of the reply · `torn`: in the middle of the reply; a read may be repeated
 * then too · `ambiguous`: anything else · `answered`: the reply is complete.
 */
type Stage = 'not-sent' | 'early' | 'torn' | 'ambiguous' | 'answered'

/** The result of a cell, before the outcome of a write is known. */
export type Verdict = 'success' | 'empty' | { problem: ProblemName; stage: Stage }

const notSent: Verdict = { problem: 'upstream-unreachable', stage: 'not-sent' }
const early: Verdict = { problem: 'upstream-timeout', stage: 'early' }
const late: Verdict = { problem: 'upstream-timeout', stage: 'ambiguous' }
const torn: Verdict = { problem: 'upstream-bad-response', stage: 'torn' }
const nonsense: Verdict = { problem: 'upstream-bad-response', stage: 'ambiguous' }
const unreadable: Verdict = { problem: 'upstream-bad-response', stage: 'answered' }
/** A refusal with an unknown text. */
const refused: Verdict = { problem: 'upstream-refused', stage: 'answered' }

/** Verdicts for the faults on the wire. */
export const wireVerdicts: Readonly<Record<WireName, Verdict>> = {
  ok: 'success',
  'accept, FIN': early,
  'accept, RST': notSent,
  'read, RST': early,
  'execute, RST': early,
  silent: late,
  'header drip': late,
  'body stall': late,
  'truncated length': torn,
  'truncated chunk': torn,
  'body drip': late,
  '64 MiB': nonsense,
  'length 10 GB': nonsense,
  '20 KB header': nonsense,
  'gzip bomb': nonsense,
  '302 to the metadata service': unreadable,
  '500 HTML': unreadable,
  '200 HTML': unreadable,
  'not HTTP': nonsense,
  'length and chunked': nonsense,
  '1xx flood': late,
  '101': nonsense,
  '204': unreadable,
  // The first reply is complete. The second one must reach no caller.
  'two replies': 'success'
}

/** The verdict depends on what the gateway reads from the answer. */
const byReading = (shape: keyof Readings) => (action: ActionName) => {
  const reading = expectations[action].reads[shape]
  return reading === 'unreadable' ? unreadable : reading
}

const always = (verdict: Verdict) => () => verdict

/** Verdicts for the JSON bodies; see docs/explanation/vendor-behaviour.md. */
export const shapeVerdicts: Readonly<Record<ShapeName, (action: ActionName) => Verdict>> = {
  '{}': always(unreadable),
  null: always(unreadable),
  '[]': always(unreadable),
  'code: -1': always(refused),
  'code: "-1"': always(refused),
  'result: "ok"': always('success'),
  // A negative code comes before an OK.
  'result and code': always(refused),
  'numbers as strings': always('success'),
  'missing keys': byReading('missing keys'),
  'extra keys': always('success'),
  // The last one counts, as in every JSON parser.
  'duplicate keys': always('success'),
  NaN: always(unreadable),
  'deep 10,000': byReading('deep 10,000'),
  BOM: always('success'),
  // A name with U+FFFD in place of a byte is another name.
  'invalid UTF-8': always(unreadable),
  'message: object': byReading('message: object'),
  'message: array': byReading('message: array'),
  'message: null': byReading('message: null'),
  'message: 10 MB': always(nonsense)
}

/** How often the action is sent. A read is sent once more after a broken connection, but not an asynchronous read or a read of a secret. */
export const sentOf = (action: ActionName, verdict: Verdict): number => {
  const { effect } = actions[action]
  if (typeof verdict === 'string') return 1
  // Nothing was sent: only what may bill is not tried again.
  if (verdict.stage === 'not-sent') return effect === 'provision' ? 1 : 2
  if (effect !== 'read') return 1
  return verdict.stage === 'early' || verdict.stage === 'torn' ? 2 : 1
}

/** How a write ends after this problem. */
export const endingOf = (
  { executed, untouched, silent = untouched, refused }: Endings,
  problem: ProblemName,
  isExecuted: boolean
): Ending => {
  if (problem === 'upstream-refused') return refused
  if (problem === 'upstream-unreachable') return { outcome: 'not-applied' }
  if (isExecuted) return executed
  return problem === 'upstream-timeout' ? silent : untouched
}
