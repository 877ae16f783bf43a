import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

/** What a test run came to. Counted are the leaves: assertions under tap, tests under node:test. */
export interface Tally {
  passed: number
  /** A line each: where, and why if there is no error: skipped, left to do, a file without tests. */
  failures: string[]
}

/** `entryFile` is the test's own file (observed; not in the types). */
type Leaf = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>['data'] & { entryFile?: string }

/** Passes the events of a run on, and counts them into the tally. Nothing is skipped in silence: it counts as failed. */
export const tallied = async function* (events: AsyncIterable<TestEvent>, tally: Tally): AsyncGenerator<TestEvent> {
  const names: string[] = []
  for await (const event of events) {
    yield event
    if (event.type === 'test:start') names.splice(event.data.nesting, names.length, event.data.name)
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    if (event.data.details.type === 'suite') continue
    const complaint = complaintOf(event.data)
    if (event.type === 'test:pass' && complaint === '') tally.passed++
    else tally.failures.push(`${placeOf(event.data, names)}${complaint}`)
  }
}

const complaintOf = (leaf: Leaf): string => {
  // node:test reports a file as a test of its own only when the file reports no test itself.
  if (leaf.name === leaf.file) return ': no test ran'
  if (leaf.skip !== undefined) return ': skipped, or without an assertion'
  if (leaf.todo !== undefined) return ': left to do'
  return ''
}

// An assertion may stand in a helper's file. What tap skips comes without a file and the tests around it.
const placeOf = ({ name, file, entryFile = file ?? '', nesting }: Leaf, names: string[]): string => {
  const around = file === undefined ? [] : names.slice(0, nesting)
  const place = [short(entryFile), ...around, ...(name === file ? [] : [name])].join(' › ')
  return place.slice(0, MAX_LINE_LENGTH)
}

/** A name may hold the whole reply that an assertion was about. */
const MAX_LINE_LENGTH = 300

const short = (file: string) => relative(process.cwd(), file)

/** Of a run only what is read: a line for each file, failures with the tests around them, and what tests print. */
export const brief = async function* (events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  const begun: TestEvent[] = []
  for await (const event of events) {
    if (event.type === 'test:start') begun.push(event)
    else if (event.type === 'test:pass') begun.pop()
    else {
      if (event.type === 'test:fail') yield* begun.splice(0)
      yield event
    }
    if (event.type === 'test:complete' && event.data.name === event.data.file) yield lineOf(event.data)
  }
}

const lineOf = ({ name, details }: Extract<TestEvent, { type: 'test:complete' }>['data']): TestEvent => ({
  type: 'test:stdout',
  data: { file: name, message: `${details.passed ? '✔' : '✖'} ${short(name)} (${seconds(details.duration_ms)} s)\n` }
})

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1)

/** The last line of every run; the numbers are read by machines. */
export const lastLine = ({ passed, failures }: Tally): string => `${passed} passed, ${failures.length} failed`
