import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { type ProblemName, problems } from '../../../schemas/problems.ts'
import {
  committedDocument,
  exampleProblems,
  operationsOf,
  problemsOf,
  repliesOf
} from '../../support/assert/document.ts'

const document = committedDocument()
const operations = operationsOf(document)

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
      for (const example of examples) t.equal(faultsOf(component('schemas', name), example), '', name)
    }
  })

  t.test('of every problem fit', async t => {
    for (const [name, { value }] of exampleProblems(document)) {
      t.equal(faultsOf(component('schemas', 'Problem'), value), '', name)
      t.ok(value.type.endsWith(`/problems/${name}`), value.type)
      t.match(problems[name], { title: value.title, status: value.status }, name)
    }
  })

  t.test('of parameters fit them', async t => {
    const given = operations.flatMap(({ parameters }) => parameters).filter(({ example }) => example !== undefined)
    t.ok(given.length > 20)
    for (const { name, schema, example } of given) {
      // A reference is relative to the document.
      const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/'))
      t.equal(faultsOf(absolute, example), '', `${name}: ${example}`)
    }
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
        for (const name of Object.keys(examples))
          t.ok(problemsOf(document, operation).includes(name as ProblemName), label)
      }
    }
  })

  t.test('of a problem are once in the document, at a reply of its status', async t => {
    const text = JSON.stringify(document)
    const shown = [...exampleProblems(document).keys()]
    t.ok(shown.length > 10, `${shown.length} problems are shown`)
    for (const name of shown) t.equal(text.split(`"name":"${name}","title"`).length, 2, name)
  })

  t.test('of a problem are listed under its status', async t => {
    for (const operation of operations) {
      for (const [at, reply] of repliesOf(document, operation)) {
        const listed = Object.entries(reply['x-problems'] ?? {})
        if (at !== 'default')
          t.ok(
            listed.every(([status]) => status === at),
            `${operation.operationId} ${at}`
          )
        for (const [status, names] of listed)
          for (const name of names) t.equal(problems[name].status, Number(status), `${operation.operationId} ${name}`)
      }
    }
  })
})
