import type { Action } from '../../src/upstream/actions/action.ts'
import { refusalsOf } from '../../src/upstream/protocol/failures.ts'
import type { Report } from '../report.ts'
import type { Heard } from './ask.ts'
import { type Difference, differences } from './compare.ts'
import { DOCUMENTED_REFUSAL } from './envelope.ts'

/** A difference, and in which action. */
export interface Drift extends Difference {
  readonly action: string
}

/** The members of an answer that wrap it. */
const WRAPPING = ['result', 'action']

/** What auth/info also prints by its documentation; the gateway needs none of it. */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  info: [
    'role_name',
    'permissions',
    'servers',
    'whmcs_id',
    'whmcs_location',
    'verified',
    'corporate',
    'default_lang',
    'billing_options',
    'private_ranges',
    'private_vlans',
    'deploy_keys',
    'billing_servers',
    'show_products',
    'manage_products',
    'show_invoices',
    'manage_orders',
    'ipsubnet_announce',
    'invapi'
  ]
}

const nameOf = ({ script, name }: Action) => `${script.replace('.php', '')}/${name}`

/** Judges answers, and keeps what has drifted. */
export const createJudge = (report: Report) => {
  const drifts: Drift[] = []

  const noted = (action: Action, difference: Difference, what: string) => {
    drifts.push({ ...difference, action: nameOf(action) })
    const { member, declared, seen, effect, count } = difference
    const times = count > 1 ? `, ${count} times` : ''
    report.drift(`${nameOf(action)} ${what}`, `${member}: declared ${declared}, seen ${seen}${times} (${effect})`)
  }

  const envelope = (action: Action, member: string, declared: string, seen: string, what: string) => {
    noted(action, { member, declared, seen, effect: 'breaking', count: 1 }, what)
    return undefined
  }

  return {
    /** Each once, however many answers have it. */
    drifts: (): Drift[] => {
      const once = new Map<string, Drift>()
      for (const drift of drifts) {
        const { action, member, declared, seen } = drift
        const key = JSON.stringify([action, member, declared, seen])
        once.set(key, { ...drift, count: drift.count + (once.get(key)?.count ?? 0) })
      }
      return [...once.values()]
    },
    /** An answer that should be a success. @returns its payload, when it is one */
    success(action: Action, what: string, { answer, opened }: Heard): Readonly<Record<string, unknown>> | undefined {
      if (answer.status !== 200) return envelope(action, 'HTTP status', '200', String(answer.status), what)
      if (opened.kind === 'unreadable') return envelope(action, 'answer', 'a JSON object', opened.reason, what)
      if (opened.kind === 'refusal') {
        const said = `refusal ${opened.shape}: "${words(opened.text)}"`
        return envelope(action, 'answer', 'a success', said, what)
      }
      if (opened.kind === 'callback') return undefined
      const { payload } = opened
      const isEchoed = action.script === 'auth.php' || payload['action'] === action.name
      const found = differences(action, payload, [...WRAPPING, ...(DOCUMENTED[action.name] ?? [])])
      if (!isEchoed)
        found.push({
          member: 'action',
          declared: 'the name of the action',
          seen: 'otherwise',
          effect: 'harmless',
          count: 1
        })
      for (const difference of found) noted(action, difference, what)
      if (found.length === 0) report.pass(`${nameOf(action)} ${what}`, `as declared, ${Math.round(answer.ms)} ms`)
      return payload
    },
    /** An answer that should be a refusal, in words that mean the problem. */
    refusal(action: Action, what: string, wanted: readonly string[], { answer, opened }: Heard) {
      const subject = `${nameOf(action)} ${what}`
      const isDeadToken = wanted.includes('invalid-token')
      if (isDeadToken && answer.status === 401) return report.pass(subject, 'refused with HTTP 401')
      if (opened.kind !== 'refusal') {
        const seen = opened.kind === 'unreadable' ? opened.reason : `a ${opened.kind}`
        return envelope(action, 'answer', 'a refusal', `${seen}, HTTP ${answer.status}`, what)
      }
      const quoted = `"${words(opened.text)}"`
      const meant = refusalsOf(action).find(({ pattern }) => pattern.wording.test(opened.text))?.problem
      if (meant === undefined || !wanted.includes(meant)) {
        const seen = `${quoted}, which reads as ${meant ?? 'nothing known'}`
        return envelope(action, 'words of the refusal', wanted.join(' or '), seen, what)
      }
      // Neither the shape nor the status of a dead token's refusal is documented: a fact, no drift.
      if (!isDeadToken && opened.shape !== DOCUMENTED_REFUSAL) {
        noted(
          action,
          { member: 'refusal', declared: DOCUMENTED_REFUSAL, seen: opened.shape, effect: 'tolerated', count: 1 },
          what
        )
      } else if (!isDeadToken && answer.status !== 200) {
        noted(
          action,
          { member: 'HTTP status', declared: '200', seen: String(answer.status), effect: 'tolerated', count: 1 },
          what
        )
      } else report.pass(subject, `refused as ${meant}: ${quoted}`)
    }
  }
}

export type Judge = ReturnType<typeof createJudge>

/** Words of HOSTKEY without what may be a customer's: addresses, numbers, long runs of letters and digits. */
export const words = (text: string): string =>
  text
    .replace(/[^\s"'<>@]+@[^\s"'<>]+/g, '[address]')
    .replace(/\b(?=\w*\d)\w{8,}\b/g, '[name]')
    .replace(/\d{3,}/g, '[number]')
    .replace(/\s+/g, ' ')
    .slice(0, 200)
