import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { problemNames } from '../../../schemas/problems.ts'
import { settings } from '../../../src/config/settings.ts'
import { createMetrics } from '../../../src/observability/metrics.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** Retired words and phrases, each with the standard term. A plural counts too. `^` and `$`: only as the whole name. */
const RETIRED: Record<string, string> = {
  '^broken$': 'circuit breaker',
  '^drained$': 'shutdown guard',
  '^except$': 'omitting',
  '^is fresh$': 'new connection',
  '^limited$': 'bulkhead',
  '^most': 'max',
  '^t [a-z]+': 'the guarantee in words',
  buy: 'provision',
  'cut short': 'abort',
  door: 'authenticator, auth scheme',
  doorway: 'login routes',
  errand: 'request context',
  forgetful: 'ephemeral',
  held: 'entry, session record',
  'hung up': 'client aborted',
  lane: 'bulkhead',
  looking: 'verifying',
  made: 'created',
  moment: 'timestamp',
  nameless: 'anonymous',
  ordering: 'order',
  promise: 'guarantee',
  purchase: 'order',
  quietly: 'ignoring errors',
  quirk: 'vendor behaviour, coercion, fault, switch',
  renewed: 'refreshed',
  rest: 'open circuit',
  resting: 'open circuit',
  says: 'matches',
  settle: 'verify, late execution window, terminal',
  shelf: 'dedupe map',
  sick: 'failure',
  spent: 'upstream timing',
  strike: 'apply',
  tells: 'documented',
  told: 'reported',
  twin: 'duplicate member',
  unhurried: 'detached',
  wanted: 'requested',
  wish: 'requested',
  wished: 'requested'
}

/** `createS3Client`, `late-apply`, `MAX_KEYS` as words: `create s3 client`, `late apply`, `max keys`. */
const wordsOf = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .toLowerCase()

const retiredIn = (name: string): string[] =>
  Object.entries(RETIRED)
    .filter(([word]) => new RegExp(`\\b${word}(?:e?s)?\\b`).test(wordsOf(name)))
    .map(([word, standard]) => `${name}: ${word} is now ${standard}`)

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter(file => existsSync(file))
const sources = files
  .filter(file => /\.(?:ts|js|cjs)$/.test(file) && !file.startsWith('client/src/generated/'))
  .map(file => ({ file, text: readFileSync(file, 'utf8') }))

const EXPORT =
  /^export (?:declare |abstract |async )*(?:const|let|function\*?|class|interface|type|enum) +(\w+)|^export (?:type )?\{([^}]*)\}/gm

const exportsOf = (text: string): string[] =>
  [...text.matchAll(EXPORT)].flatMap(([, name, list = '']) => name ?? list.match(/\w+(?= *(?:,|$))/gm) ?? [])

/** Names of asynchronous functions, also local ones: they send, write or bill. */
const asyncNamesOf = (text: string): string[] =>
  [
    ...text.matchAll(/(\w+)\??\s*[=:]\s*async\b/g),
    ...text.matchAll(/\basync (?:function)?\s*\*?\s*(\w+)\s*[(<]/g),
    ...text.matchAll(/(\w+)(?:<[^>]*>)?\??(?:: | = )?\([^()]*\)(?: =>|:) Promise</g)
  ].map(([, name = '']) => name)

const isParticiple = (name: string): boolean =>
  /^(?:\w*[^e]ed|begun|built|drawn|found|given|held|kept|made|ran|sent|shown|taken|told|written)(?: |$)/.test(
    wordsOf(name)
  )

const membersOf = (value: unknown): string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, member]) => [name, ...membersOf(member)])

t.test('the checks find retired words and participles', async t => {
  for (const name of ['hungUp', 'doors', 'behindTheDoor', 'gateway_upstream_resting', 'MOST_PAGES', 'Held', 't-smug']) {
    t.ok(retiredIn(name).length > 0, name)
  }
  for (const name of ['broken-requests', 'rate-limited', 'interest', 'Promised', 'almostAll', 'test-first']) {
    t.same(retiredIn(name), [])
  }
  const text =
    'export const one = 1\nexport { two, a as three } from "x"\nexport type { Four }\nexport async function five'
  t.same(exportsOf(text), ['one', 'two', 'three', 'Four', 'five'])
  t.same(asyncNamesOf('const one = async () => 1\nasync function two(\n  three(s: string): Promise<void>'), [
    'one',
    'two',
    'three'
  ])
  t.ok(['deleted', 'createdBucket', 'recorded', 'sent'].every(isParticiple))
  t.notOk(['delete', 'need', 'sendOrder', 'feedAll'].some(isParticiple))
})

t.test('no file name has a retired word', async t => {
  const partsOf = (file: string) => file.split('/').map(part => part.replace(/\..*/, ''))
  t.same(
    files.flatMap(file =>
      partsOf(file)
        .flatMap(retiredIn)
        .map(fault => `${file}: ${fault}`)
    ),
    []
  )
})

t.test('no exported name has a retired word', async t => {
  t.same(
    sources.flatMap(({ file, text }) =>
      exportsOf(text)
        .flatMap(retiredIn)
        .map(fault => `${file}: ${fault}`)
    ),
    []
  )
})

t.test('no setting, problem or metric has a retired word', async t => {
  const metrics = await createMetrics().registry.getMetricsAsJSON()
  const names = [...Object.values(settings), ...metrics].map(({ name }) => name)
  t.ok(names.length > 20)
  t.same([...names, ...problemNames].flatMap(retiredIn), [])
})

t.test('no member of a log line has a retired word', async t => {
  const { url, sandbox, lines, get, post, asked, auditRecords } = await gateway(t)
  const { control, demo } = sandbox
  control.fault({ kind: 'hang', action: 'get_buckets' })
  const caller = new AbortController()
  const aborted = fetch(`${url}/accounts/s3_user_1/buckets`, {
    headers: { authorization: `Bearer ${demo.token}` },
    signal: caller.signal
  }).catch(() => undefined)
  t.ok(await eventually(() => asked().includes('get_buckets')))
  caller.abort()
  await aborted
  control.clearFaults()
  control.fault({ kind: 'refusal', action: 'list_plans', text: 'An unknown refusal' })
  await get('/plans')
  await post('/accounts/s3_user_1/buckets', { name: 'vocabulary' })
  const members = () => new Set([...lines.map(line => JSON.parse(line)), ...auditRecords()].flatMap(membersOf))
  t.ok(await eventually(() => members().has('clientAborted')), 'a member that is logged only for an aborted request')
  t.same([...members()].flatMap(retiredIn), [])
})

t.test('no function that sends, writes or bills is named by a participle', async t => {
  const product = sources.filter(({ file }) => !file.startsWith('test/'))
  t.same(
    product.flatMap(({ file, text }) =>
      asyncNamesOf(text)
        .filter(isParticiple)
        .map(name => `${file}: ${name}`)
    ),
    []
  )
})
