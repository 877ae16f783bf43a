import t from 'tap'
import { committedDocument } from '../../support/assert/document.ts'

type Schema = Record<string, unknown>

/** Keys whose values are data, not schemas. */
const DATA = ['example', 'examples', 'enum', 'default', 'x-example-request', 'x-varies']

/** Every schema below this place, with its pointer. */
const schemasBelow = (place: unknown, at = ''): [at: string, schema: Schema][] => {
  if (typeof place !== 'object' || place === null) return []
  const below = Object.entries(place)
    .filter(([name]) => !DATA.includes(name))
    .flatMap(([name, value]) => schemasBelow(value, `${at}/${name}`))
  const isSchema = /\/(schema|schemas\/\w+|properties\/[^/]+|items|additionalProperties|(any|one|all)Of\/\d+)$/.test(at)
  return isSchema ? [[at, place as Schema], ...below] : below
}

/** The bounds that a value of each type must have. */
const bounds: Record<string, (schema: Schema) => boolean> = {
  string: schema => 'maxLength' in schema || 'enum' in schema || 'const' in schema,
  array: schema => 'maxItems' in schema && 'items' in schema,
  integer: schema =>
    'minimum' in schema && 'maximum' in schema && ['int32', 'int64'].includes(String(schema['format'])),
  number: schema => 'minimum' in schema && 'maximum' in schema,
  object: ({ additionalProperties }) => additionalProperties === false || typeof additionalProperties === 'object',
  boolean: () => true,
  null: () => true
}

const isBounded = (schema: Schema): boolean =>
  '$ref' in schema || 'anyOf' in schema || bounds[String(schema['type'])]?.(schema) === true

const unboundedIn = (document: unknown) =>
  schemasBelow(document)
    .filter(([, schema]) => !isBounded(schema))
    .map(([at]) => at)

t.test('every value of the document has bounds, in requests and replies', async t => {
  const document = committedDocument()
  const found = schemasBelow(document)
  t.ok(found.length > 300, `${found.length} schemas`)
  for (const type of Object.keys(bounds)) {
    t.ok(
      found.some(([, schema]) => schema['type'] === type),
      `one is of type ${type}`
    )
  }
  t.same(unboundedIn(document), [])
})

t.test('a value without bounds is found everywhere', async t => {
  const unbounded = {
    string: { type: 'string', pattern: '^a+$' },
    array: { type: 'array', items: { type: 'boolean' } },
    integer: { type: 'integer', format: 'int32', minimum: 0 },
    open: { type: 'object', properties: {} },
    untyped: {}
  }
  for (const [name, schema] of Object.entries(unbounded)) {
    const document = committedDocument()
    document.components.schemas['Planted'] = {
      type: 'object',
      additionalProperties: false,
      properties: { list: { type: 'array', maxItems: 1, items: schema }, either: { anyOf: [schema] } }
    }
    const at = '/components/schemas/Planted/properties'
    t.same(unboundedIn(document), [`${at}/list/items`, `${at}/either/anyOf/0`], name)
  }
})
