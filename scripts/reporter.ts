import type { TestEvent } from 'node:test/reporters'

/** The result of a test run. Each assertion counts. */
export interface Tally {
  passed: number
  /** One line each: the place, and the reason when there is no error (skipped, todo, a file without tests). */
  failures: string[]
}

type Ended = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>

/**
 * The events of a process that runs test files: each file is a test with its path as name. A file without a result
 * fails: the process ended before or in it.
 */
export const ofFiles = async function* (
  events: AsyncIterable<TestEvent>,
  files: readonly string[]
): AsyncGenerator<TestEvent> {
  const started = new Set<string>()
  const ended = new Set<string>()
  for await (const event of events) {
    // The totals of this process; the last line of the run has those of all.
    if (event.type === 'test:diagnostic' && event.data.level !== 'error' && event.data.file === undefined) continue
    if (event.type === 'test:start' || isEnded(event)) {
      // The process itself.
      if (event.data.name === event.data.file) continue
      if (event.data.nesting === 0) {
        // A process that replaces itself by another program starts its files again.
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

/** Counts the events into the tally and passes them on. A skipped test counts as failed. */
export const countEvents = async function* (events: AsyncIterable<TestEvent>, tally: Tally): AsyncGenerator<TestEvent> {
  const names: string[] = []
  for await (const event of events) {
    yield event
    if (event.type === 'test:start') names.splice(event.data.nesting, names.length, event.data.name)
    if (!isEnded(event) || event.data.details.type === 'suite') continue
    const reason = reasonOf(event.data)
    if (event.type === 'test:pass' && reason === '') tally.passed++
    else tally.failures.push(`${placeOf(event.data, names)}${reason}`)
  }
}

const reasonOf = ({ nesting, skip, todo }: Ended['data']): string => {
  // A file is a suite, unless it has no test.
  if (skip !== undefined) return nesting === 0 ? ': no test ran' : ': skipped, or without an assertion'
  return todo === undefined ? '' : ': left to do'
}

const placeOf = ({ name, nesting }: Ended['data'], names: string[]): string =>
  [...names.slice(0, nesting), name].join(' › ').slice(0, MAX_LINE_LENGTH)

/** A name may contain a whole reply. */
const MAX_LINE_LENGTH = 300

/** Keeps one line for each file, failures with their parent tests, and the output of the tests. */
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

/** The last line of every run; `.ci/run` reads the numbers. */
export const lastLine = ({ passed, failures }: Tally): string => `${passed} passed, ${failures.length} failed`
