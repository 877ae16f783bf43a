import type { Action } from '../../src/upstream/actions/action.ts'
import { refusalsOf } from '../../src/upstream/protocol/failures.ts'
import type { Report } from '../report.ts'
import type { CallResult } from './call.ts'
import { type Difference, differences } from './compare.ts'
import { DOCUMENTED_REFUSAL } from './envelope.ts'

/** A difference, and in which action. */
export interface Drift extends Difference {
  readonly action: string
}

/** Members of the envelope, not of the payload. */
const ENVELOPE_MEMBERS = ['result', 'action']

/** Documented members of auth/info that the gateway does not use and therefore does not declare. */
const UNDECLARED: Readonly<Record<string, readonly string[]>> = {
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

/** Creates the checks of an upstream's responses. They report what they find and collect the drift. */
export const createChecks = (report: Report) => {
  const drifts: Drift[] = []

  const reportDrift = (action: Action, what: string, difference: Omit<Difference, 'count'> & { count?: number }) => {
    const { member, declared, seen, effect, count = 1 } = difference
    drifts.push({ member, declared, seen, effect, count, action: nameOf(action) })
    const times = count > 1 ? `, ${count} times` : ''
    report.drift(`${nameOf(action)} ${what}`, `${member}: declared ${declared}, seen ${seen}${times} (${effect})`)
  }

  const reportBreaking = (action: Action, what: string, member: string, declared: string, seen: string) => {
    reportDrift(action, what, { member, declared, seen, effect: 'breaking' })
    return undefined
  }

  return {
    /** Each drift once, with its total count. */
    drifts: (): Drift[] => {
      const unique = new Map<string, Drift>()
      for (const drift of drifts) {
        const { action, member, declared, seen } = drift
        const key = JSON.stringify([action, member, declared, seen])
        unique.set(key, { ...drift, count: drift.count + (unique.get(key)?.count ?? 0) })
      }
      return [...unique.values()]
    },
    /** Checks a response that should be a success. @returns its payload if it is one */
    success(
      action: Action,
      what: string,
      { response, envelope }: CallResult
    ): Readonly<Record<string, unknown>> | undefined {
      if (response.status !== 200) return reportBreaking(action, what, 'HTTP status', '200', String(response.status))
      if (envelope.kind === 'invalid') return reportBreaking(action, what, 'response', 'a JSON object', envelope.reason)
      if (envelope.kind === 'refusal') {
        const seen = `refusal ${envelope.shape}: "${redactWording(envelope.text)}"`
        return reportBreaking(action, what, 'response', 'a success', seen)
      }
      if (envelope.kind === 'callback') return undefined
      const { payload } = envelope
      const found = differences(action, payload, [...ENVELOPE_MEMBERS, ...(UNDECLARED[action.name] ?? [])])
      for (const difference of found) reportDrift(action, what, difference)
      const isNamed = action.script === 'auth.php' || payload['action'] === action.name
      if (!isNamed) {
        const declared = 'the name of the action'
        reportDrift(action, what, { member: 'action', declared, seen: 'another value', effect: 'harmless' })
      } else if (found.length === 0) {
        report.pass(`${nameOf(action)} ${what}`, `as declared, ${Math.round(response.ms)} ms`)
      }
      return payload
    },
    /** Checks a response that should be a refusal with one of the expected problems. */
    refusal(action: Action, what: string, expected: readonly string[], { response, envelope }: CallResult) {
      const subject = `${nameOf(action)} ${what}`
      const isTokenRefusal = expected.includes('invalid-token')
      if (isTokenRefusal && response.status === 401) return report.pass(subject, 'refused with HTTP 401')
      if (envelope.kind !== 'refusal') {
        const seen = envelope.kind === 'invalid' ? envelope.reason : `a ${envelope.kind}`
        return reportBreaking(action, what, 'response', 'a refusal', `${seen}, HTTP ${response.status}`)
      }
      const quoted = `"${redactWording(envelope.text)}"`
      const problem = refusalsOf(action).find(({ pattern }) => pattern.wording.test(envelope.text))?.problem
      if (problem === undefined || !expected.includes(problem)) {
        const seen = `${quoted}, which matches ${problem ?? 'no failure'}`
        return reportBreaking(action, what, 'text of the refusal', expected.join(' or '), seen)
      }
      // Shape and status of the refusal of a token are not documented: they are facts, not drift.
      if (!isTokenRefusal && envelope.shape !== DOCUMENTED_REFUSAL) {
        const declared = DOCUMENTED_REFUSAL
        reportDrift(action, what, { member: 'refusal', declared, seen: envelope.shape, effect: 'coerced' })
      } else if (!isTokenRefusal && response.status !== 200) {
        const seen = String(response.status)
        reportDrift(action, what, { member: 'HTTP status', declared: '200', seen, effect: 'coerced' })
      } else report.pass(subject, `refused as ${problem}: ${quoted}`)
    }
  }
}

export type Checks = ReturnType<typeof createChecks>

/** A text of HOSTKEY without possible customer data: addresses, numbers, and words of 8 or more characters with a digit. */
export const redactWording = (text: string): string =>
  text
    .replace(/[^\s"'<>@]+@[^\s"'<>]+/g, '[address]')
    .replace(/\b(?=\w*\d)\w{8,}\b/g, '[name]')
    .replace(/\d{3,}/g, '[number]')
    .replace(/\s+/g, ' ')
    .slice(0, 200)
