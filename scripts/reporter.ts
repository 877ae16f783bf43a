import type { TestEvent } from 'node:test/reporters'

/** What a test run came to. Counted are the leaves: assertions under tap, tests under node:test. */
export interface Tally {
  passed: number
  failed: number
  /** What failed without an error of its own: something skipped, left to do, or a file without tests. */
  silent: string[]
}

type Leaf = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>['data']

/** Passes the events of a run on, and counts them into the tally. Nothing is skipped in silence: it counts as failed. */
export const tallied = async function* (events: AsyncIterable<TestEvent>, tally: Tally): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    yield event
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    if (event.data.details.type === 'suite') continue
    const complaint = event.type === 'test:pass' ? complaintOf(event.data) : undefined
    if (complaint !== undefined) tally.silent.push(complaint)
    if (event.type === 'test:fail' || complaint !== undefined) tally.failed++
    else tally.passed++
  }
}

const complaintOf = (leaf: Leaf): string | undefined => {
  // node:test reports a file as a test of its own only when the file reports no test itself.
  if (leaf.name === leaf.file) return `no test ran in ${leaf.file}`
  if (leaf.skip !== undefined) return `skipped, or without an assertion: "${leaf.name}" in ${leaf.file}`
  if (leaf.todo !== undefined) return `left to do: "${leaf.name}" in ${leaf.file}`
  return undefined
}

/** The last line of every run; the numbers are read by machines. */
export const lastLine = ({ passed, failed }: Pick<Tally, 'passed' | 'failed'>): string =>
  `${passed} passed, ${failed} failed`
