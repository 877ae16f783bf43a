import type { Action } from '../../src/upstream/actions/action.ts'
import { tokenInfo } from '../../src/upstream/actions/sessions.ts'
import type { Report, Run } from '../report.ts'
import { Unanswered } from '../sender.ts'
import { type Ask, createAsk, readings } from './ask.ts'
import { probeFiles } from './files.ts'
import { createJudge, type Judge, words } from './judge.ts'
import { probeAccount, probeAccounts, probePlans } from './reads.ts'
import { probeRefusals } from './refusals.ts'
import { tables } from './tables.ts'
import { NEVER_PROBED } from './unknowns.ts'

/** What a probe of an upstream works with. */
export interface Probe {
  readonly ask: Ask
  readonly judge: Judge
  readonly report: Report
  readonly readKeys: boolean
}

/** Holds an upstream's answers to the declared actions, by reading alone. @returns what the JSON says beside the findings */
export const checkUpstream = async ({ options, report, sender }: Run) => {
  const { token, readKeys, maxRequests, ratePerSecond } = options
  const judge = createJudge(report)
  const calls: { action: string; ms: number }[] = []
  const seen = { types: new Set<string>(), hasThrottled: false, headers: new Set<string>() }
  const asked = createAsk(sender, token, readKeys)
  const ask: Ask = async (action, ...rest) => {
    const heard = await asked(action, ...rest)
    const { status, headers, ms } = heard.answer
    calls.push({ action: action.name, ms })
    seen.types.add(headers['content-type'] ?? 'none')
    if (status === 429 || headers['retry-after'] !== undefined) seen.hasThrottled = true
    for (const name of Object.keys(headers)) if (/rate-?limit/i.test(name)) seen.headers.add(name)
    return heard
  }
  const probe: Probe = { ask, judge, report, readKeys }
  announce(report, readings(readKeys), { maxRequests, ratePerSecond })
  try {
    if (await isAccepted(probe)) {
      const plans = await probePlans(probe)
      const accounts = await probeAccounts(probe)
      const account = accounts[0]
      const buckets = account === undefined ? [] : await probeAccount(probe, account, plans)
      if (account === undefined) report.skip('buckets and files', 'the customer has no account')
      else await probeFiles(probe, account.s3uid, buckets)
      await probeRefusals(probe, account?.s3uid, buckets[0])
    }
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    report.fail('upstream', `the run ends early: ${error.message}`)
  }
  report.fact('Content-Type of the answers', [...seen.types].join(', ') || 'no answer')
  report.fact(
    'limits of the rate',
    `${seen.hasThrottled ? 'it asked for patience' : 'none met'} in ${sender.count()} requests; headers: ${[...seen.headers].join(', ') || 'none'}`
  )
  report.fact('latency', latencies(calls))
  for (const [question, why] of NEVER_PROBED) report.fact(question, why)
  report.say(tables(judge.drifts(), report.facts()))
  return { drift: judge.drifts() }
}

const announce = (
  report: Report,
  allowed: readonly Action[],
  { maxRequests, ratePerSecond }: { maxRequests: number; ratePerSecond: number }
) =>
  report.say(
    `Reads only: ${allowed.map(({ name }) => name).join(', ')}. At most ${maxRequests} requests, at most ${ratePerSecond} a second.\nNo value of the customer is printed: names, types and counts alone.\n`
  )

/** Without a token that is accepted there is nothing to compare. */
const isAccepted = async ({ ask, judge, report }: Probe): Promise<boolean> => {
  const heard = await ask(tokenInfo)
  if (heard.opened.kind === 'refusal' || heard.answer.status === 401) {
    const said = heard.opened.kind === 'refusal' ? `"${words(heard.opened.text)}"` : 'HTTP 401'
    report.fail('auth/info', `the token is not accepted: ${said}`)
    return false
  }
  const payload = judge.success(tokenInfo, 'whose token it is', heard)
  if (!payload) {
    report.fail('auth/info', 'this is not HOSTKEY’s auth.php: is the address the folder of the scripts?')
    return false
  }
  return true
}

const latencies = (calls: readonly { action: string; ms: number }[]): string => {
  const names = [...new Set(calls.map(({ action }) => action))]
  const most = (name: string) => Math.max(...calls.filter(({ action }) => action === name).map(({ ms }) => ms))
  return names.map(name => `${name} up to ${Math.round(most(name))} ms`).join(', ') || 'no answer'
}
