import t from 'tap'
import * as scalars from '../../../schemas/scalars.ts'
import { committedDocument, operationsOf } from '../../support/assert/document.ts'

const document = committedDocument()

const textOf = (scalar: object): string => Object(scalar).description

/** Descriptions of a type of value: they do not say what a particular value is for. */
const KINDS = [scalars.Instant, scalars.Day, scalars.Bytes, scalars.Location].map(textOf)

/** The same for parameters: a filter describes what it filters, not what its value is. */
const KINDS_OF_NAMES = [...KINDS, ...[scalars.PlanId, scalars.S3Uid, scalars.CustomerId].map(textOf)]

t.test('each member of a model describes its meaning, not only its type', async t => {
  const members = Object.entries(document.components.schemas).flatMap(([name, { properties = {} }]) =>
    Object.entries(Object(properties)).map(([member, schema]) => ({ at: `${name}.${member}`, ...Object(schema) }))
  )
  t.ok(members.length > 80, `${members.length} members`)
  t.same(
    members.filter(({ description, $ref }) => $ref === undefined && !description).map(({ at }) => at),
    []
  )
  t.same(
    members.filter(({ description }) => KINDS.includes(description)).map(({ at }) => at),
    []
  )
})

t.test('each parameter outside the path describes what it does', async t => {
  const parameters = operationsOf(document).flatMap(({ operationId, parameters = [] }) =>
    parameters.filter(({ in: place }) => place !== 'path').map(one => ({ at: `${operationId}.${one.name}`, ...one }))
  )
  t.ok(parameters.length > 20, `${parameters.length} parameters`)
  t.same(
    parameters.filter(({ description }) => KINDS_OF_NAMES.includes(description)).map(({ at }) => at),
    []
  )
})

t.test('the description of each operation names the scope that it needs', async t => {
  const scoped = operationsOf(document).filter(operation => /:|^admin$/.test(operation['x-required-scope']))
  t.ok(scoped.length >= 16, `${scoped.length} operations`)
  t.same(
    scoped
      .filter(
        operation =>
          !operation.description.endsWith(` Scope: \`${operation['x-required-scope'].replace(' or ', '` or `')}\`.`)
      )
      .map(({ operationId }) => operationId),
    []
  )
})

t.test('every extension of OpenAPI is explained in the description of the document', async t => {
  const own = new Set(JSON.stringify(document.paths).match(/(?<=")x-[a-z-]+(?=":)/g))
  for (const word of own) t.match(document.info.description, `\`${word}\``)
  t.ok(own.size >= 5, [...own].join(', '))
})
