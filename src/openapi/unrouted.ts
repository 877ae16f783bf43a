import { unrouted } from '../../schemas/examples/index.ts'
import { problems } from '../../schemas/problems.ts'
import { headersOf } from './headers.ts'
import { byStatus, PROBLEM } from './problems.ts'

const isUnrouted = (name: string): name is keyof typeof unrouted => Object.hasOwn(unrouted, name)

/** The replies to requests without a route, by status: the same for every path. */
export const unroutedReplies = (): Record<string, object> =>
  Object.fromEntries(
    Object.keys(unrouted)
      .filter(isUnrouted)
      .map(name => [problems[name].status, replyOf(name)])
  )

const replyOf = (name: keyof typeof unrouted) => {
  const { request } = unrouted[name]
  const { status } = problems[name]
  const media = { schema: { $ref: '#/components/schemas/Problem' } }
  const headers = headersOf(String(status), { content: { [PROBLEM]: { examples: { [name]: {} } } } })
  return {
    ...(Object.keys(headers).length > 0 && { headers }),
    content: { [PROBLEM]: media },
    'x-problems': byStatus([name]),
    'x-example-request': request
  }
}

/** The paragraph of the document's description about them. */
export const unroutedText = (): string => {
  const { request, headers } = unrouted['method-not-allowed']
  return `**Everything else.** An unknown path answers 404 \`route-not-found\`. An operation that the operator has switched off is not in this document
and answers 403 \`switched-off\`. An unknown method answers 405 \`method-not-allowed\`, whatever its body,
and the header \`Allow\` lists the methods of the path: \`${request.method} ${request.path}\` answers \`Allow: ${headers.Allow}\`.`
}
