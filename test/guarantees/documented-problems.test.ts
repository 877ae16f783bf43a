import t from 'tap'
import { type ProblemName, problemNames } from '../../schemas/problems.ts'
import { provocationOf } from '../fast/contract/provocations/index.ts'
import { documentedGateway, type Pair } from '../fast/contract/provocations/provocation.ts'
import { contractOf } from '../support/assert/contract.ts'
import { committedDocument, operationsOf, problemsOf } from '../support/assert/document.ts'
import { isLikeExample } from '../support/assert/like-example.ts'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'

const document = committedDocument()
const contract = contractOf(document)

const pairs = operationsOf(document).flatMap(operation =>
  problemsOf(document, operation).map(([name, { value, 'x-varies': varies }]) => ({
    // The document is held to the catalogue elsewhere.
    pair: { operation, name: name as ProblemName, example: value } satisfies Pair,
    varies
  }))
)
/** A short run provokes each problem with one operation, a long run with every operation that documents it. */
const byName = Map.groupBy(pairs, ({ pair }) => pair.name)

const figure = figuresOf(t, 'documented-problems')

t.test('each problem of the catalogue is in the document', async t => {
  const unrouted = Object.values(document['x-unrouted']).flatMap(({ content }) =>
    Object.values(content).flatMap(({ examples }) => Object.keys(examples))
  )
  t.strictSame([...new Set([...byName.keys(), ...unrouted])].sort(), [...problemNames].sort())
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
        t.strictSame(contract.violations(`${operation.method} ${operation.path}`, reply), [], label)
        compared += 1
      }
    })
  }
  t.teardown(() => figure(`${compared} of ${pairs.length} examples of problems provoked and compared`))
})
