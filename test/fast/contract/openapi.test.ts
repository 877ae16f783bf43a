import { readFileSync } from 'node:fs'
import t from 'tap'
import { committedDocument } from '../../support/assert/document.ts'

t.test('openapi.yaml', async t => {
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
      schemas.filter(([name]) => !/^[A-Z][A-Za-z]+$/.test(name)),
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
