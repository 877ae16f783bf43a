import { writeFileSync } from 'node:fs'
import { checkGateway } from './gateway/index.ts'
import { optionsOf, USAGE, UsageError } from './options.ts'
import { createReport, type Run, summaryOf } from './report.ts'
import { createSender } from './sender.ts'
import { checkUpstream } from './upstream/index.ts'

/** Where the suite prints. */
export interface Output {
  out(text: string): void
  err(text: string): void
}

/**
 * Compares a gateway with its document, or an upstream with the declared actions, over HTTP.
 * @returns the exit code: 0 when everything conforms, 1 after failures or drift, 2 for an invalid command line
 */
export const runConformance = async (
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  output: Output
): Promise<number> => {
  try {
    return await run(args, env, output)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    output.err(`${error.message}\n\n${USAGE}`)
    return 2
  }
}

const run: typeof runConformance = async (args, env, { out }) => {
  if (args.includes('--help')) {
    out(USAGE)
    return 0
  }
  const options = optionsOf(args, env)
  const report = createReport(out)
  report.redact(options.token)
  const sender = createSender(options)
  const startedAt = new Date().toISOString()
  const details = await (options.target === 'gateway' ? checkGateway : checkUpstream)({ options, report, sender })
  if (options.json !== undefined) writeJson(options.json, { options, report, sender, startedAt, details })
  const counts = report.counts()
  report.print(`\n${sender.count()} requests sent.\n${summaryOf(counts)}`)
  return counts.fail + counts.drift === 0 ? 0 : 1
}

interface FinishedRun extends Run {
  readonly startedAt: string
  readonly details: object
}

const writeJson = (file: string, { options, report, sender, startedAt, details }: FinishedRun): void => {
  const { target, url, profile } = options
  const run = { target, url: url.href, profile, startedAt, requests: sender.count(), summary: report.counts() }
  const text = JSON.stringify({ ...run, checks: report.findings(), facts: report.facts(), ...details }, null, 2)
  try {
    writeFileSync(file, `${text}\n`)
  } catch {
    throw new UsageError('the file of --json cannot be written')
  }
}
