import type { Options } from './options.ts'
import { RequestFailed, type Sender } from './sender.ts'

/** `pass`: as documented; `fail`: not; `drift`: differs from the declared action; `skip`: not checked. */
export type Verdict = 'pass' | 'fail' | 'drift' | 'skip'

export interface Finding {
  readonly verdict: Verdict
  /** The operation, the action or the rule. */
  readonly subject: string
  readonly text: string
}

/** Undocumented behaviour of the target, as observed. */
export interface Fact {
  readonly question: string
  readonly seen: string
}

export interface Report {
  pass(subject: string, text: string): void
  fail(subject: string, text: string): void
  drift(subject: string, text: string): void
  skip(subject: string, text: string): void
  fact(question: string, seen: string): void
  print(text: string): void
  /** Redacts the value in everything printed from now on. */
  redact(value: string): void
  findings(): Finding[]
  facts(): Fact[]
  counts(): Record<Verdict, number>
}

/** The parts of one run. */
export interface Run {
  readonly options: Options
  readonly report: Report
  readonly sender: Sender
}

/** Below this length a value is not redacted: it would match inside other words. Texts do not quote values anyway. */
const MIN_REDACTED_LENGTH = 6

/** Collects findings and prints each on its own line. */
export const createReport = (write: (text: string) => void): Report => {
  const findings: Finding[] = []
  const facts: Fact[] = []
  const secrets = new Set<string>()
  const redacted = (text: string) => [...secrets].reduce((text, value) => text.replaceAll(value, '[hidden]'), text)
  const add = (verdict: Verdict) => (subject: string, text: string) => {
    const finding = { verdict, subject: redacted(subject), text: redacted(text).replace(/\s+/g, ' ') }
    findings.push(finding)
    write(`${verdict.padEnd(5)} ${finding.subject}: ${finding.text}\n`)
  }
  return {
    pass: add('pass'),
    fail: add('fail'),
    drift: add('drift'),
    skip: add('skip'),
    fact: (question, seen) => facts.push({ question, seen: redacted(seen) }),
    print: text => write(`${redacted(text)}\n`),
    redact(value) {
      if (value.length >= MIN_REDACTED_LENGTH) secrets.add(value)
    },
    findings: () => [...findings],
    facts: () => [...facts],
    counts: () => {
      const count = { pass: 0, fail: 0, drift: 0, skip: 0 }
      for (const { verdict } of findings) count[verdict] += 1
      return count
    }
  }
}

/** The last line of a run. */
export const summaryOf = ({ pass, fail, drift, skip }: Record<Verdict, number>): string =>
  `${pass} passed, ${fail} failed, ${drift} drifted${skip > 0 ? ` (${skip} not checked)` : ''}`

/** The target differs from its documentation. */
export class Mismatch extends Error {}

/** This check is not possible here. */
export class NotChecked extends Error {}

/** @throws Mismatch */
export function expect(isTrue: boolean, message: string): asserts isTrue {
  if (!isTrue) throw new Mismatch(message)
}

/** Runs a check and reports its result. @param run returns the text of a pass */
export const check = async (report: Report, subject: string, run: () => Promise<string>): Promise<void> => {
  try {
    report.pass(subject, await run())
  } catch (error) {
    if (error instanceof NotChecked) report.skip(subject, error.message)
    else if (error instanceof Mismatch || error instanceof RequestFailed) report.fail(subject, error.message)
    else throw error
  }
}
