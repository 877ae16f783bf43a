import type { TestEvent } from 'node:test/reporters'

/** What a test run came to. Counted are the leaves: each assertion is one. */
export interface Tally {
  passed: number
  /** A line each: where, and why if there is no error: skipped, left to do, a file without tests. */
  failures: string[]
}

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>

/**
 * Of the events of a process that runs test files, those of the files: each file is a test, named by its path. A file
 * without a result fails: the process ended before it, or in it.
 */
export const ofFiles = async function* (
  events: AsyncIterable<TestEvent>,
  files: readonly string[]
): AsyncGenerator<TestEvent> {
  const started = new Set<string>()
  const ended = new Set<string>()
  for await (const event of events) {
    // The totals of one process; the run has its own.
    if (event.type === 'test:diagnostic' && event.data.level !== 'error' && event.data.file === undefined) continue
    if (event.type === 'test:start' || isEnded(event)) {
      // Of the process itself: it has no other test than its files.
      if (event.data.name === event.data.file) continue
      if (event.data.nesting === 0) {
        // A process that has replaced itself by another program starts its files anew.
        if (event.type === 'test:start' && started.has(event.data.name)) continue
        ;(event.type === 'test:start' ? started : ended).add(event.data.name)
      }
    }
    yield event
  }
  for (const name of files.filter(file => !ended.has(file))) {
    const details = { duration_ms: 0, error: new Error('The process ended before this file did.') }
    const data = { name, nesting: 0, testNumber: 0, details } as unknown as Extract<
      TestEvent,
      { type: 'test:fail' }
    >['data']
    if (!started.has(name)) yield { type: 'test:start', data }
    yield { type: 'test:fail', data }
  }
}

const isEnded = (event: TestEvent): event is Ended => event.type === 'test:pass' || event.type === 'test:fail'

/** Passes the events of a run on, and counts them into the tally. Nothing is skipped in silence: it counts as failed. */
export const countEvents = async function* (events: AsyncIterable<TestEvent>, tally: Tally): AsyncGenerator<TestEvent> {
  const names: string[] = []
  for await (const event of events) {
    yield event
    if (event.type === 'test:start') names.splice(event.data.nesting, names.length, event.data.name)
    if (!isEnded(event) || event.data.details.type === 'suite') continue
    const complaint = complaintOf(event.data)
    if (event.type === 'test:pass' && complaint === '') tally.passed++
    else tally.failures.push(`${placeOf(event.data, names)}${complaint}`)
  }
}

const complaintOf = ({ nesting, skip, todo }: Ended['data']): string => {
  // A file is a suite, except when it holds no test.
  if (skip !== undefined) return nesting === 0 ? ': no test ran' : ': skipped, or without an assertion'
  return todo === undefined ? '' : ': left to do'
}

const placeOf = ({ name, nesting }: Ended['data'], names: string[]): string =>
  [...names.slice(0, nesting), name].join(' › ').slice(0, MAX_LINE_LENGTH)

/** A name may hold the whole reply that an assertion was about. */
const MAX_LINE_LENGTH = 300

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
    if (event.type === 'test:pass' && event.data.nesting === 0) yield lineOf(event.data)
  }
}

const lineOf = ({ name, details }: Ended['data']): TestEvent => ({
  type: 'test:stdout',
  data: { file: name, message: `✔ ${name} (${(details.duration_ms / 1000).toFixed(1)} s)\n` }
})

/** The last line of every run; the numbers are read by machines. */
export const lastLine = ({ passed, failures }: Tally): string => `${passed} passed, ${failures.length} failed`
