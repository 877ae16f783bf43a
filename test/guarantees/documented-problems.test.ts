import t from 'tap'
import { problemNames, problems } from '../../schemas/problems.ts'
import { documentedExample } from '../../src/openapi/problems.ts'
import { provocationOf } from '../fast/contract/provocations/index.ts'
import { documentedGateway, type Pair, PUBLIC_URL } from '../fast/contract/provocations/provocation.ts'
import { contractOf } from '../support/assert/contract.ts'
import {
  committedDocument,
  exampleProblems,
  namedProblems,
  operationsOf,
  problemsOf
} from '../support/assert/document.ts'
import { isLikeExample } from '../support/assert/like-example.ts'
import { detailFaults, innerWordsIn } from '../support/assert/plain-words.ts'
import { amount } from '../support/harness/amount.ts'
import { declaredOperations } from '../support/harness/declared-operations.ts'
import { figuresOf } from '../support/harness/figures.ts'

const document = committedDocument()
const contract = contractOf(document)

const declared = await declaredOperations()

/** What each operation answers as each of its problems, by its declaration; `default` of the document is less precise. */
const pairs = operationsOf(document).flatMap(operation => {
  const { operationId, method } = operation
  const found = declared.get(operationId)
  if (!found) throw new TypeError(`${operationId} is not declared`)
  const { outcomes, operation: config } = found
  return outcomes.problems.map(name => {
    const scope = config.access === 'open' ? '' : (config.scope ?? '')
    const source = { operationId, method, scope, mediaTypes: config.mediaTypes, calls: outcomes.calls }
    const { value, 'x-varies': varies } = documentedExample(name, source, PUBLIC_URL.slice(0, -1))
    // As JSON: without the members that it leaves out.
    const pair: Pair = { operation, name, example: JSON.parse(JSON.stringify(value)) }
    return { pair, varies }
  })
})
/** A short run provokes each problem with one operation, a long run with every operation that documents it. */
const byName = Map.groupBy(pairs, ({ pair }) => pair.name)

const same = (a: object, b: object) => JSON.stringify(a) === JSON.stringify(b)

/** A fault may name the member that the caller sent. */
const wordFaults = ({ detail, errors = [] }: Pair['example']): string[] => [
  ...detailFaults(detail),
  ...errors.flatMap(error => innerWordsIn(error.detail))
]

const figure = figuresOf(t, 'documented-problems')

t.test('the document names each problem of the catalogue, and an operation answers each example', async t => {
  t.strictSame([...namedProblems(document)].sort(), [...problemNames].sort())
  for (const [name, { value }] of exampleProblems(document)) {
    const answered = (byName.get(name) ?? []).map(({ pair }) => pair.example)
    t.ok(
      answered.some(example => same(example, value)),
      name
    )
  }
})

t.test('each operation documents its problems, and no other one at its own statuses', async t => {
  for (const operation of operationsOf(document)) {
    const documented = problemsOf(document, operation)
    const own = declared.get(operation.operationId)?.outcomes.problems ?? []
    t.strictSame(
      own.filter(name => !documented.includes(name)),
      [],
      operation.operationId
    )
    const undeclared = documented.filter(name => !own.includes(name))
    t.strictSame(
      undeclared.filter(name => problems[name].status in operation.responses),
      [],
      operation.operationId
    )
  }
})

t.test('each operation answers each of its problems as the document shows it', async t => {
  t.ok(pairs.length > 500, `${pairs.length} examples`)
  const plain = await documentedGateway(t)
  const { control } = plain.sandbox
  const behaviours = control.behaviours()

  let compared = 0
  for (const [name, documented] of byName) {
    const wanted = documented.slice(0, amount(1, documented.length))
    t.test(name, async t => {
      const provoke = await provocationOf(name)(
        { t, plain },
        wanted.map(({ pair }) => pair)
      )
      for (const { pair, varies } of wanted) {
        const { operation, example } = pair
        const label = `${operation.operationId} ${name}`
        control.clearFaults()
        control.setBehaviours(behaviours)
        const reply = await provoke(pair)
        t.equal(reply.statusCode, example.status, `${label}: ${reply.text}`)
        t.match(reply.headers['content-type'] ?? '', /^application\/problem\+json/, label)
        const shown = { ...example, instance: reply.headers['x-request-id'] }
        isLikeExample(t, reply.text && reply.json(), shown, varies, label)
        t.strictSame(wordFaults(reply.json()), [], label)
        t.strictSame(contract.violations(`${operation.method} ${operation.path}`, reply), [], label)
        compared += 1
      }
    })
  }
  t.teardown(() => figure(`${compared} of ${pairs.length} examples of problems provoked and compared`))
})
