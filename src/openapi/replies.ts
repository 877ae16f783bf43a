import { byStatus, type DocumentedExample, isShown, PROBLEM } from './problems.ts'

export interface Reply {
  $ref?: string
  description?: string
  headers?: Record<string, unknown>
  content?: Record<string, { schema?: { $ref?: string }; example?: unknown; examples?: Record<string, unknown> }>
  'x-example-request'?: object
  'x-varies'?: readonly string[]
  /** The names of its problems by status. */
  'x-problems'?: Record<string, string[]>
}

interface Operation {
  operationId: string
  responses: Record<string, Reply>
}

/** A reply of an operation. */
interface Use {
  operation: Operation
  status: string
  reply: Reply
}

/**
 * Replaces the replies with problems by references, one for each status and set of problems, and equal replies without a
 * body. `default` is one for all operations.
 * @returns the replies by name: the most frequent one of a status under the status, another one under
 * `<status>-<first operation>`; and the examples of problems that several of them show
 */
export const sharedReplies = (operations: readonly Operation[]) => {
  const uses = operations.flatMap(operation =>
    Object.entries(operation.responses).map(([status, reply]): Use => ({ operation, status, reply }))
  )
  const alike = Map.groupBy(uses, kindOf)
  alike.delete(undefined)
  const responses: Record<string, Reply> = {}
  for (const [first, ...others] of [...alike.values()].toSorted((a, b) => b.length - a.length)) {
    if (!first) continue
    const name = Object.hasOwn(responses, first.status)
      ? `${first.status}-${first.operation.operationId}`
      : first.status
    responses[name] = withList(merged([first, ...others].map(({ reply }) => reply)))
    for (const { operation, status } of [first, ...others]) {
      operation.responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  return { responses: byName(responses), examples: sharedExamples(Object.values(responses)) }
}

/** Replies of one kind are one component; undefined stays with its operation. */
const kindOf = ({ status, reply }: Use): string | undefined => {
  const problems = problemsIn(reply)
  if (problems) return status === 'default' ? status : `${status} ${Object.keys(problems).sort()}`
  return reply.content === undefined && reply.headers ? `${status} ${JSON.stringify(reply)}` : undefined
}

const problemsIn = ({ content }: Reply) => content?.[PROBLEM]?.examples

/** One reply with the headers and the problems of all, and the first example of each problem. */
const merged = (replies: readonly Reply[]): Reply => {
  const backwards = replies.toReversed()
  const headers = Object.assign({}, ...backwards.map(({ headers }) => headers))
  const examples = Object.assign({}, ...backwards.map(problemsIn))
  const [first = {}] = replies
  const media = first.content?.[PROBLEM]
  return {
    ...first,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(media && { content: { [PROBLEM]: { ...media, examples: byName(examples) } } })
  }
}

/** A reply with the names of its problems, and the examples of those that are shown. */
const withList = (reply: Reply): Reply => {
  const all = problemsIn(reply)
  if (!all) return reply
  const shown = Object.entries(all).filter(([, example]) => isShown(example as DocumentedExample))
  const { examples: _, ...media } = reply.content?.[PROBLEM] ?? {}
  const content = { [PROBLEM]: { ...media, ...(shown.length > 0 && { examples: Object.fromEntries(shown) }) } }
  return { ...reply, content, 'x-problems': byStatus(Object.keys(all)) }
}

/** Replaces the examples that several replies show by references. @returns the first of each problem */
const sharedExamples = (replies: readonly Reply[]): Record<string, unknown> => {
  const all = replies.flatMap(reply => Object.entries(problemsIn(reply) ?? {}).map(entry => ({ reply, entry })))
  const shared: Record<string, unknown> = {}
  for (const [name, uses] of Map.groupBy(all, ({ entry: [name] }) => name)) {
    if (uses.length === 1) continue
    shared[name] = uses[0]?.entry[1]
    for (const { reply } of uses) Object.assign(problemsIn(reply) ?? {}, { [name]: exampleAt(name) })
  }
  return byName(shared)
}

const exampleAt = (name: string) => ({ $ref: `#/components/examples/${name}` })

const byName = <T>(components: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)))
