import { readFileSync } from 'node:fs'
import t from 'tap'
import { committedDocument, operationsOf } from '../../support/assert/document.ts'

/** As JSON without spaces. */
const MAX_BYTES = 130_000

t.test('openapi.yaml', async t => {
  t.test('is small enough to be read by people and assistants', async t => {
    const bytes = Buffer.byteLength(JSON.stringify(committedDocument()))
    t.ok(bytes <= MAX_BYTES, `${bytes} bytes of ${MAX_BYTES}`)
  })

  t.test('has patterns without control characters and surrogates, which generators would print raw', async t => {
    const patterns = [...readFileSync('openapi.yaml', 'utf8').matchAll(/pattern: (.+)/g)].map(([, text]) => text)
    t.ok(patterns.length > 30)
    t.strictSame(
      patterns.filter(text => /\\u|\p{C}/u.test(text ?? '')),
      []
    )
  })

  t.test('has the parameters of the path in its order, before the query', async t => {
    for (const { operationId, path, parameters } of operationsOf(committedDocument())) {
      const inPath = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
      const places = parameters.map(({ in: place, name }) => (place === 'path' ? name : place))
      const ranks = places.slice(inPath.length).map(place => ['query', 'header'].indexOf(place))
      t.strictSame(places.slice(0, inPath.length), inPath, operationId)
      t.strictSame(ranks, ranks.toSorted(), operationId)
    }
  })

  t.test('has no anchors, which YAML parsers read differently', async t => {
    t.notMatch(readFileSync('openapi.yaml', 'utf8'), /[:-] [&*]a\d/)
  })
})

t.test('components', async t => {
  const document = committedDocument()

  t.test('have names and descriptions', async t => {
    const schemas = Object.entries(document.components.schemas)
    t.ok(schemas.length > 20)
    t.same(
      schemas.filter(([name]) => !/^[A-Z][A-Za-z0-9]+$/.test(name)),
      []
    )
    t.same(
      schemas.filter(([, { description }]) => !description),
      []
    )
  })

  t.test('exist for every reference', async t => {
    const references = new Set(
      [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, name = '']) => name)
    )
    const existing = Object.entries(document.components).flatMap(([kind, all]) =>
      Object.keys(all).map(name => `${kind}/${name}`)
    )
    t.same(
      [...references].filter(name => !existing.includes(name)),
      []
    )
  })
})
