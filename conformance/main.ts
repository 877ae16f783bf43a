import { writeFileSync } from 'node:fs'
import { checkGateway } from './gateway/index.ts'
import { optionsOf, USAGE, UsageError } from './options.ts'
import { createReport, type Run, summaryOf } from './report.ts'
import { createSender } from './sender.ts'
import { checkUpstream } from './upstream/index.ts'

/** `npm run conformance`: holds a gateway to its document, or an upstream to the declared actions, over HTTP alone. */
const main = async (args: readonly string[]): Promise<number> => {
  if (args.includes('--help')) {
    process.stdout.write(USAGE)
    return 0
  }
  const options = optionsOf(args, process.env)
  const report = createReport(text => process.stdout.write(text))
  report.hide(options.token)
  const sender = createSender(options)
  const startedAt = new Date().toISOString()
  const details = await (options.target === 'gateway' ? checkGateway : checkUpstream)({ options, report, sender })
  if (options.json !== undefined) writeJson(options.json, { options, report, sender, startedAt, details })
  const counts = report.counts()
  report.say(`\n${sender.count()} requests sent.\n${summaryOf(counts)}`)
  return counts.fail + counts.drift === 0 ? 0 : 1
}

interface Ended extends Run {
  readonly startedAt: string
  readonly details: object
}

const writeJson = (file: string, { options, report, sender, startedAt, details }: Ended): void => {
  const { target, url, profile } = options
  const run = { target, url: url.href, profile, startedAt, requests: sender.count(), summary: report.counts() }
  const text = JSON.stringify({ ...run, checks: report.findings(), facts: report.facts(), ...details }, null, 2)
  try {
    writeFileSync(file, `${text}\n`)
  } catch {
    throw new UsageError('the file of --json cannot be written')
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}
