import type { Options } from './options.ts'
import { type Sender, Unanswered } from './sender.ts'

/** `pass` and `fail`: a promise of the target; `drift`: it answers otherwise than declared; `skip`: not checked, and why. */
export type Verdict = 'pass' | 'fail' | 'drift' | 'skip'

export interface Finding {
  readonly verdict: Verdict
  /** The operation, the action or the rule. */
  readonly subject: string
  readonly text: string
}

/** Something nobody has documented, and what was seen of it. */
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
  say(text: string): void
  /** From now on the value is replaced wherever it would be printed. */
  hide(value: string): void
  findings(): Finding[]
  facts(): Fact[]
  counts(): Record<Verdict, number>
}

/** What was asked for, where it is told what was found, and who sends. */
export interface Run {
  readonly options: Options
  readonly report: Report
  readonly sender: Sender
}

/** Prints each finding as it is made, on a line of its own. */
export const createReport = (write: (text: string) => void): Report => {
  const findings: Finding[] = []
  const facts: Fact[] = []
  const hidden = new Set<string>()
  // Shorter ones would tear other words; texts do not quote values in the first place.
  const shown = (text: string) =>
    [...hidden].filter(value => value.length >= 6).reduce((text, value) => text.replaceAll(value, '[hidden]'), text)
  const add = (verdict: Verdict) => (subject: string, text: string) => {
    const finding = { verdict, subject: shown(subject), text: shown(text).replace(/\s+/g, ' ') }
    findings.push(finding)
    write(`${verdict.padEnd(5)} ${finding.subject}: ${finding.text}\n`)
  }
  return {
    pass: add('pass'),
    fail: add('fail'),
    drift: add('drift'),
    skip: add('skip'),
    fact: (question, seen) => facts.push({ question, seen: shown(seen) }),
    say: text => write(`${shown(text)}\n`),
    hide: value => hidden.add(value),
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

/** What was promised is not so. */
export class Mismatch extends Error {}

/** It cannot be checked here. */
export class Unchecked extends Error {}

/** @throws Mismatch */
export function expect(isTrue: boolean, otherwise: string): asserts isTrue {
  if (!isTrue) throw new Mismatch(otherwise)
}

/** Runs a check and reports how it ends. @param run gives what was found right */
export const check = async (report: Report, subject: string, run: () => Promise<string>): Promise<void> => {
  try {
    report.pass(subject, await run())
  } catch (error) {
    if (error instanceof Unchecked) report.skip(subject, error.message)
    else if (error instanceof Mismatch || error instanceof Unanswered) report.fail(subject, error.message)
    else throw error
  }
}
