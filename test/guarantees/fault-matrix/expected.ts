import type { Outcome, ProblemName } from '../../../schemas/problems.ts'
import type { ActionName } from '../../../src/upstream/actions/index.ts'
import type { ShapeName } from './shapes.ts'
import type { WireName } from './wire.ts'

/**
 * How often an action may be sent, by what is known of the first attempt (RELIABILITY 4.1).
 * `early`: the connection broke before a byte of the reply · `torn`: in the middle of the reply, after which a read may
 * be repeated too (API 6) · `ambiguous`: anything else · `answered`: there is a whole reply.
 */
type Stage = 'early' | 'torn' | 'ambiguous' | 'answered'

/** What one cell of the matrix comes to, before it is known what became of a write. */
export type Verdict = 'success' | 'empty' | { problem: ProblemName; stage: Stage }

const early: Verdict = { problem: 'upstream-timeout', stage: 'early' }
const late: Verdict = { problem: 'upstream-timeout', stage: 'ambiguous' }
const torn: Verdict = { problem: 'upstream-bad-response', stage: 'torn' }
const nonsense: Verdict = { problem: 'upstream-bad-response', stage: 'ambiguous' }
const unreadable: Verdict = { problem: 'upstream-bad-response', stage: 'answered' }
/** A refusal in words that nobody knows (UPSTREAM 4.1). */
const refused: Verdict = { problem: 'upstream-refused', stage: 'answered' }

/** The wire cases: rows 28 to 30 of UPSTREAM section 4. */
export const wireVerdicts: Readonly<Record<WireName, Verdict>> = {
  ok: 'success',
  'accept, FIN': early,
  'accept, RST': early,
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
  // The first reply is whole, and it is ours. Nobody may ever get the second.
  'two replies': 'success'
}

/** Actions whose success says nothing but that it is one: `message` is for people, or null (documented). */
const DELETIONS: readonly ActionName[] = ['delete_account', 'delete_bucket', 'delete_file']
/** Actions whose `message` is the list itself. */
const LISTS: readonly ActionName[] = ['get_buckets', 'get_buckets_rmq']

const unless =
  (verdict: Verdict, otherwise: Verdict, ...actions: readonly ActionName[]) =>
  (action: ActionName): Verdict =>
    actions.includes(action) ? otherwise : verdict

const always = (verdict: Verdict) => () => verdict

/** The JSON shapes: the classifier of UPSTREAM 1.1, and what 1.2 and 5.2 want tolerated. */
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
  'missing keys': unless(unreadable, 'success', 'create_bucket', ...DELETIONS),
  'extra keys': always('success'),
  // The last one counts, as in every reader of JSON.
  'duplicate keys': always('success'),
  NaN: always(unreadable),
  'deep 10,000': unless(unreadable, 'success', ...DELETIONS),
  BOM: always('success'),
  // U+FFFD in the place of a byte is another name.
  'invalid UTF-8': always(unreadable),
  'message: object': unless('success', unreadable, 'create_bucket', ...LISTS),
  'message: array': unless('success', unreadable, 'create_bucket', ...LISTS),
  // PHP prints null for nothing.
  'message: null': unless('success', 'empty', ...LISTS),
  'message: 10 MB': always(nonsense)
}

export const WRITES = [
  'create_bucket',
  'delete_bucket',
  'delete_file',
  'create_account',
  'create_order',
  'delete_account'
] as const satisfies readonly ActionName[]
export type WriteName = (typeof WRITES)[number]

export const READS = [
  'list_plans',
  'history',
  'get_buckets',
  'get_files',
  'get_users',
  'get_buckets_rmq',
  'show_key'
] as const satisfies readonly ActionName[]

/** Read once more after a connection that broke; a queue and a secret are not (RELIABILITY 4.1). */
const REPEATED: readonly ActionName[] = ['list_plans', 'history', 'get_buckets', 'get_files', 'get_users']

/** How often the action is sent. A write: once, whatever happens. */
export const sentOf = (action: ActionName, verdict: Verdict): number => {
  if (typeof verdict === 'string' || !REPEATED.includes(action)) return 1
  return verdict.stage === 'early' || verdict.stage === 'torn' ? 2 : 1
}

/** How a write ends: a success, or the problem that the verdict names (or another), with what became of it. */
export type Ending = { status: 201 | 202 | 204 } | { outcome: Outcome; problem?: ProblemName }

/** Where HOSTKEY has executed the write, so that reading shows it, and where it has not. */
interface Endings {
  executed: readonly Ending[]
  untouched: readonly Ending[]
}

const unknown: Ending = { outcome: 'unknown' }

/** Looked for by reading when the answer is lost. What is still there when PHP has answered was not deleted. */
const deletion: Endings = {
  executed: [{ status: 204 }],
  untouched: [{ problem: 'upstream-bad-response', outcome: 'not-applied' }]
}

/** How a write may end when its answer was lost, or makes no sense (RELIABILITY 4.1). */
const lost: Readonly<Record<WriteName, Endings>> = {
  delete_bucket: deletion,
  delete_file: deletion,
  delete_account: deletion,
  create_bucket: { executed: [{ status: 201 }], untouched: [unknown] },
  // Found by reading (UPSTREAM 5.4).
  create_account: { executed: [{ status: 201 }], untouched: [unknown] },
  // 202 while nobody can tell: the order stands in the ledger under the problem's name.
  create_order: { executed: [{ status: 201 }], untouched: [{ status: 202 }] }
}

/** How a write may end that HOSTKEY refuses in unknown words: such a refusal of an account proves nothing. */
export const endingsOf = (action: WriteName, problem: ProblemName, isExecuted: boolean): readonly Ending[] => {
  if (problem === 'upstream-refused' && action !== 'create_account' && action !== 'create_order') return [unknown]
  if (problem === 'upstream-timeout' && !isExecuted && DELETIONS.includes(action))
    return [{ outcome: 'unknown', problem }]
  return lost[action][isExecuted ? 'executed' : 'untouched']
}
