import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { type ProblemName, problems } from '../../../schemas/problems.ts'
import { committedDocument, nameIn, operationsOf, repliesOf } from '../../support/assert/document.ts'

const document = committedDocument()
const operations = operationsOf(document)

/** An example that differs between operations is named `<problem>.<operation>`. */
const problemOf = (example: string) => example.split('.')[0] ?? ''

t.test('the examples', async t => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')
  const faultsOf = (schema: object, example: unknown) => {
    const validate = ajv.compile(schema)
    return validate(example) ? '' : ajv.errorsText(validate.errors)
  }
  const component = (kind: string, name: string) => ({ $ref: `api#/components/${kind}/${encodeURIComponent(name)}` })

  t.test('of every model fit it', async t => {
    for (const [name, { examples = [] }] of Object.entries(document.components.schemas)) {
      t.ok(examples.length > 0, `${name} has an example`)
      for (const example of examples) t.equal(faultsOf(component('schemas', name), example), '', name)
    }
  })

  t.test('of every problem fit', async t => {
    for (const [place, { summary, value }] of Object.entries(document.components.examples)) {
      const name = problemOf(place)
      t.equal(faultsOf(component('schemas', 'Problem'), value), '', place)
      t.ok(summary)
      t.ok(value.type.endsWith(`/problems/${name}`), value.type)
      t.match(problems[name as ProblemName], { title: value.title, status: value.status }, place)
    }
  })

  t.test('of parameters and headers fit them', async t => {
    const headers = Object.entries(document.components.headers).map(([name, header]) => ({ name, ...header }))
    const given = [...operations.flatMap(({ parameters = [] }) => parameters), ...headers].filter(
      ({ example }) => example !== undefined
    )
    t.ok(given.length > 20)
    for (const { name, schema, example } of given) t.equal(faultsOf(schema, example), '', `${name}: ${example}`)
  })

  t.test('exist for every body, and for each problem at its status', async t => {
    for (const operation of operations) {
      const { path, method, requestBody } = operation
      const sent = Object.values(requestBody?.content ?? {}).map(media => ['body', media] as const)
      const replied = repliesOf(document, operation).flatMap(([status, { content = {} }]) =>
        Object.values(content).map(media => [status, media] as const)
      )
      for (const [place, { schema, example, examples = {} }] of [...sent, ...replied]) {
        if (schema.$ref === undefined) continue
        const label = `${method} ${path} ${place}`
        if (schema.$ref !== '#/components/schemas/Problem') {
          const values = example === undefined ? Object.values(examples).map(({ value }) => value) : [example]
          t.ok(values.length > 0, label)
          for (const value of values) t.equal(faultsOf({ $ref: `api${schema.$ref}` }, value), '', label)
          continue
        }
        const names = Object.keys(examples)
        t.ok(names.length > 0, label)
        for (const name of names) {
          const example = nameIn(examples[name]?.$ref ?? '')
          t.equal(problemOf(example), name, label)
          t.equal(document.components.examples[example]?.value.status, Number(place), `${label} ${name}`)
        }
      }
    }
  })
})
