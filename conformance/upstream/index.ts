import type { Action } from '../../src/upstream/actions/action.ts'
import { tokenInfo } from '../../src/upstream/actions/sessions.ts'
import type { Report, Run } from '../report.ts'
import { RequestFailed } from '../sender.ts'
import { type Call, createCall, readActions } from './call.ts'
import { createChecks, redactWording } from './checks.ts'
import { probeFiles } from './files.ts'
import type { Probe } from './probe.ts'
import { probeAccount, probeAccounts, probePlans } from './reads.ts'
import { probeRefusals } from './refusals.ts'
import { tables } from './tables.ts'

/** Questions that reading cannot answer, and why. */
const UNPROBED: readonly (readonly [question: string, why: string])[] = [
  ['what does delete_payment_account reply', 'not probed: it would end a paid account'],
  ['does create_account bill', 'not probed: it would create an account'],
  ['does create_bucket add a prefix to the name', 'not probed by a write; see the names of the listed buckets'],
  ['how does whmcslogin request a second factor', 'not probed: it requires a password'],
  ['is a token valid at the other host', 'not probed: run again with the other host as --upstream'],
  ['which are the storage endpoints of other locations', 'not probed: no action returns them']
]

/** Compares an upstream with the declared actions; only reads. @returns members of the JSON report beside the findings */
export const checkUpstream = async ({ options, report, sender }: Run) => {
  const { token, readKeys, maxRequests, ratePerSecond } = options
  const checks = createChecks(report)
  const calls: { action: string; ms: number }[] = []
  const seen = { types: new Set<string>(), hasThrottled: false, headers: new Set<string>() }
  const send = createCall(sender, token, readKeys)
  const call: Call = async (action, ...rest) => {
    const result = await send(action, ...rest)
    const { status, headers, ms } = result.response
    calls.push({ action: action.name, ms })
    seen.types.add(headers['content-type'] ?? 'none')
    if (status === 429 || headers['retry-after'] !== undefined) seen.hasThrottled = true
    for (const name of Object.keys(headers)) if (/rate-?limit/i.test(name)) seen.headers.add(name)
    return result
  }
  const probe: Probe = { call, checks, report, readKeys }
  announce(report, readActions(readKeys), { maxRequests, ratePerSecond })
  try {
    if (await isTokenAccepted(probe)) {
      const plans = await probePlans(probe)
      const accounts = await probeAccounts(probe)
      const account = accounts[0]
      const buckets = account === undefined ? [] : await probeAccount(probe, account, plans)
      if (account === undefined) report.skip('buckets and files', 'the customer has no account')
      else await probeFiles(probe, account.s3uid, buckets)
      await probeRefusals(probe, account?.s3uid, buckets[0])
    }
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error
    report.fail('upstream', `the run ends early: ${error.message}`)
  }
  report.fact('Content-Type of the responses', [...seen.types].join(', ') || 'no response')
  report.fact(
    'rate limits',
    `${seen.hasThrottled ? 'throttled' : 'not throttled'} in ${sender.count()} requests; headers: ${[...seen.headers].join(', ') || 'none'}`
  )
  report.fact('latency', latencies(calls))
  for (const [question, why] of UNPROBED) report.fact(question, why)
  report.print(tables(checks.drifts(), report.facts()))
  return { drift: checks.drifts() }
}

const announce = (
  report: Report,
  allowed: readonly Action[],
  { maxRequests, ratePerSecond }: { maxRequests: number; ratePerSecond: number }
) =>
  report.print(
    `Reads only: ${allowed.map(({ name }) => name).join(', ')}. At most ${maxRequests} requests, at most ${ratePerSecond} per second.\nPrints names, types and counts, and no data of the customer.\n`
  )

/** Without an accepted token there is nothing to compare. */
const isTokenAccepted = async ({ call, checks, report }: Probe): Promise<boolean> => {
  const result = await call(tokenInfo)
  if (result.envelope.kind === 'refusal' || result.response.status === 401) {
    const reason = result.envelope.kind === 'refusal' ? `"${redactWording(result.envelope.text)}"` : 'HTTP 401'
    report.fail('auth/info', `the token is not accepted: ${reason}`)
    return false
  }
  const payload = checks.success(tokenInfo, 'of the token', result)
  if (!payload) {
    report.fail('auth/info', 'this is not the auth.php of HOSTKEY: check that the address is the folder of the scripts')
    return false
  }
  return true
}

const latencies = (calls: readonly { action: string; ms: number }[]): string => {
  const names = [...new Set(calls.map(({ action }) => action))]
  const maxMs = (name: string) => Math.max(...calls.filter(({ action }) => action === name).map(({ ms }) => ms))
  return names.map(name => `${name} up to ${Math.round(maxMs(name))} ms`).join(', ') || 'no response'
}
