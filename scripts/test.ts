import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { stripVTControlCharacters } from 'node:util'
import { readCommandLine } from '../src/core/command-line.ts'
import { brief, countEvents, lastLine, ofFiles, type Tally } from './reporter.ts'

/** The files of `npm test` and of `npm run test:long`; guarantees have a short and a long case. See CONTRIBUTING.md. */
const SHORT = ['test/fast/**/*.test.ts', 'test/guarantees/*.test.ts']
const LONG = ['test/long/**/*.test.ts', 'test/guarantees/*.test.ts']

/** 15 min: the limit of a process. */
const TIMEOUT_MS = 900_000

/** In a long run these measure times: they run alone. */
const ALONE =
  /(?:fault-matrix|redis-outage.*|regex-backtracking|retry-amplification|rolling-restart|slow-clients|start-time|upstream-stall)\.test\.ts$/

/** Percent of lines, branches and functions under test; a floor that is raised, never lowered. */
const FLOOR = { lineCoverage: 90, branchCoverage: 85, functionCoverage: 85 }

const { values, positionals } = readCommandLine({
  usage: `npm test -- [FILE]… [--long | --recorded] [--coverage] [--verbose]

Runs the tests that match the patterns, or all short ones.

  --long      the long run, as npm run test:long
  --recorded  the long run, with the amounts that npm run guarantees records
  --coverage  measures coverage and compares it with its floor
  --verbose   also prints each assertion that passes
`,
  options: {
    coverage: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    recorded: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false }
  },
  maxArguments: Number.POSITIVE_INFINITY
})
const isLong = values.long || values.recorded
const begunAt = performance.now()
// The test processes inherit these.
process.env['TEST_AMOUNT'] = values.recorded ? 'recorded' : isLong ? 'long' : 'short'
process.env['TAP_TIMEOUT'] ??= String(TIMEOUT_MS / 1000)
process.env['NODE_COMPILE_CACHE'] ??= resolve('node_modules/.cache/node-compile')

const patterns = positionals.length > 0 ? positionals : isLong ? LONG : SHORT
const found = patterns.map(pattern => globSync(pattern).map(file => relative(process.cwd(), resolve(file))))
const tally: Tally = { passed: 0, failures: [] }
for (const [index, pattern] of patterns.entries()) {
  if (found[index]?.length === 0) tally.failures.push(`${pattern}: no such test file`)
}
const files = [...new Set(found.flat())].sort()

/** Maximum number of files in a process: processes of similar length keep all cores busy. */
const MAX_FILES = 8

/** The room of a test file: `test/fast/auth/` is one. A long test has a process of its own. */
const roomOf = (file: string): string => (isLong ? file : (/^test\/fast\/[^/]+/.exec(file)?.[0] ?? dirname(file)))

const ROOM = join(import.meta.dirname, 'test-room.ts')

/** Runs test files one after the other in one process. @returns its events */
const runRoom = async (files: readonly string[]): Promise<TestEvent[]> => {
  const events = run({
    files: [ROOM],
    argv: [...files],
    isolation: 'process',
    timeout: TIMEOUT_MS,
    ...(values.coverage && {
      coverage: true,
      coverageIncludeGlobs: ['src/**/*.ts', 'routes/**/*.ts', 'schemas/**/*.ts'],
      ...FLOOR
    })
  })
  const ended: TestEvent[] = []
  for await (const event of ofFiles(events, files)) ended.push(event)
  return ended
}

const splitRoom = (files: readonly string[]): string[][] => {
  const parts = Math.ceil(files.length / MAX_FILES)
  return Array.from({ length: parts }, (_, part) => files.filter((_, index) => index % parts === part))
}

/** These take longest and start first, so that no process runs alone at the end. */
const isSlow = ([file = '']: readonly string[]): boolean =>
  /^test\/(fast\/(browser|client)\/|guarantees\/|long\/generators\.)/.test(file)

/** Runs rooms in parallel. The events of a room come together at its end. */
const runRooms = async function* (rooms: (readonly string[])[], concurrency: number): AsyncGenerator<TestEvent> {
  const waiting = [...rooms].sort((a, b) => Number(isSlow(b)) - Number(isSlow(a)) || b.length - a.length)
  const running = new Map<number, Promise<{ id: number; events: TestEvent[] }>>()
  for (let id = 0; waiting.length > 0 || running.size > 0; id += 1) {
    const room = running.size < concurrency ? waiting.shift() : undefined
    if (room)
      running.set(
        id,
        runRoom(room).then(events => ({ id, events }))
      )
    else {
      const ended = await Promise.race(running.values())
      running.delete(ended.id)
      yield* ended.events
    }
  }
}

/** Prints the events and counts them. */
const report = async (events: AsyncIterable<TestEvent>) => {
  const counted = countEvents(events, tally)
  for await (const text of Readable.from(values.verbose ? counted : brief(counted)).compose(new spec())) {
    // tap always colours its diffs.
    process.stdout.write(process.stdout.isTTY ? text : stripVTControlCharacters(String(text)))
  }
}

const isAlone = (file: string) => isLong && ALONE.test(file)
const rooms = values.coverage
  ? [files]
  : Object.values(Object.groupBy(files, roomOf) as Record<string, string[]>).flatMap(room => splitRoom(room))
const beside = rooms.filter(room => !room.some(isAlone))
const alone = rooms.filter(room => room.some(isAlone))
// More processes than cores: many tests wait for a time. Long tests load the machine more.
await report(runRooms(beside, availableParallelism() + (isLong ? 1 : 2)))
await report(runRooms(alone, 1))

process.stdout.write(`took ${Math.round((performance.now() - begunAt) / 1000)} s\n`)
for (const failure of tally.failures) process.stdout.write(`failed: ${failure}\n`)
if (tally.failures.length > 0) process.exitCode = 1
process.stdout.write(`${lastLine(tally)}\n`)
