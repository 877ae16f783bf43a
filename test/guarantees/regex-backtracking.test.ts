import t from 'tap'
import { openapiDocument } from '../../scripts/docs/openapi.ts'
import { amount, isLong } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { collect, type Pattern, patternsIn } from './patterns.ts'
import { safetyOf, THOROUGH } from './redos.ts'

/** 50 ms for 64 KiB, the best of five: a hundred times less than what would be a standstill. */
const MAX_MS = 50

/** 64 KiB is more than any request holds. */
const LONG = 64 * 1024

const TIMEOUTS_MS = amount({ wider: 100, exact: 200 }, THOROUGH)

const nameOf = ({ source, flags }: Pattern) => `/${source}/${flags}`

/** What is checked against requests and replies stands in the document, however the sources have put it together. */
const inDocument = [...JSON.stringify((await openapiDocument()).document).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)]
const served: Pattern[] = inDocument.map(([, json = '""']) => ({
  source: JSON.parse(json) as string,
  flags: 'u',
  at: 'openapi.yaml'
}))

const { patterns: written, unknown } = patternsIn('src/**/*.ts', 'schemas/**/*.ts', 'routes/**/*.ts')
const patterns = [...written, ...served]
const unique = [...new Map(patterns.map(pattern => [nameOf(pattern), pattern])).values()]
/** Milliseconds that a pattern takes for a text, the best of five. */
const msOf = ({ source, flags }: Pattern, text: string): number => {
  const pattern = new RegExp(source, flags.replace('g', ''))
  return Math.min(
    ...Array.from({ length: 5 }, () => {
      const startedAt = performance.now()
      pattern.test(text)
      return performance.now() - startedAt
    })
  )
}

/** Texts that keep a pattern busy: each word of it, over and over, and an end that does not fit. */
const temptations = ({ source }: Pattern, length: number): string[] =>
  [...new Set(['a', '0', ' ', '/', ...(source.match(/[A-Za-z0-9_:@/ ]{1,40}/g) ?? [])])].map(
    word => `${word.repeat(Math.ceil(length / word.length)).slice(0, length - 1)}\0`
  )

const slowest = (all: readonly Pattern[], length: number) => {
  const times = all.map(pattern => ({
    name: nameOf(pattern),
    ms: Math.max(...temptations(pattern, length).map(text => msOf(pattern, text)))
  }))
  return times.reduce((worst, each) => (each.ms > worst.ms ? each : worst))
}

t.test('every pattern of the sources and of the document is found', async t => {
  t.ok(unique.length >= 110, `${unique.length} patterns`)
  t.strictSame(unknown, [], 'none is made where the program runs')
  t.ok(written.length >= 100, `${written.length} in the sources`)
  t.ok(served.length >= 30, `${served.length} in the document`)
})

t.test('however it is written', async t => {
  const found = { patterns: [], unknown: [] as string[] }
  collect(
    'x.ts',
    `const P = '^a$'; const x: RegExp = /b/i; Type.String({ pattern: P }); Type.String({ 'pattern': '^c$' })
     new RegExp('d'); 'text'.match('e'); new RegExp(made as string); ({ pattern: made() })`,
    found
  )
  t.match(found.patterns, [
    { source: 'b', flags: 'i' },
    { source: '^a$', flags: 'u' },
    { source: '^c$' },
    { source: 'd' },
    { source: 'e' }
  ])
  t.equal(found.unknown.length, 2)
})

t.test('the checker detects exponential patterns', async t => {
  t.match(safetyOf('^(a+)+$', ''), /^vulnerable/)
  t.match(safetyOf('(x|y).*(a|b)$', 'i'), /^vulnerable/)
  t.match(safetyOf('^[a-z]{1,64}@[a-z]{1,64}$', 'i'), 'safe')
})

t.test('no pattern takes more than linear time', async t => {
  const figure = figuresOf(t, 'regex-backtracking')
  const faults = unique
    .map(pattern => ({
      at: `${pattern.at} ${nameOf(pattern)}`,
      safety: safetyOf(pattern.source, pattern.flags, TIMEOUTS_MS)
    }))
    // What a short run has no time to decide is left to a long one.
    .filter(({ safety }) => safety !== 'safe' && (isLong || safety.startsWith('vulnerable')))
  t.strictSame(faults, [], `${unique.length} patterns`)

  const onLong = slowest(unique, LONG)
  t.ok(onLong.ms < MAX_MS, `${onLong.name} takes ${onLong.ms.toFixed(2)} ms`)
  figure(`${unique.length - faults.length} of ${unique.length} patterns are safe on text of any length`)
  figure(`${onLong.ms.toFixed(2)} ms at worst for 64 KiB`)
})
