import { unrouted } from '../../schemas/examples/index.ts'
import { problems } from '../../schemas/problems.ts'
import { Problem } from '../core/problem.ts'
import { headersOf } from './headers.ts'
import { documented, PROBLEM } from './problems.ts'

const isUnrouted = (name: string): name is keyof typeof unrouted => Object.hasOwn(unrouted, name)

/** The replies to requests without a route, by status: the same for every path. */
export const unroutedReplies = (publicUrl: string): Record<string, object> =>
  Object.fromEntries(
    Object.keys(unrouted)
      .filter(isUnrouted)
      .map(name => [problems[name].status, replyOf(name, publicUrl)])
  )

const replyOf = (name: keyof typeof unrouted, publicUrl: string) => {
  const { detail, request } = unrouted[name]
  const examples = { [name]: documented(new Problem(name, detail), request.method, publicUrl) }
  const content = { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' }, examples } }
  const headers = headersOf(String(problems[name].status), { content })
  return { ...(Object.keys(headers).length > 0 && { headers }), content, 'x-example-request': request }
}

/** The paragraph of the document's description about them. */
export const unroutedText = (): string => {
  const { request, headers } = unrouted['method-not-allowed']
  return `**Everything else.** An unknown path answers 404 \`route-not-found\`. An operation that the operator has switched off is not in this document
and answers 403 \`switched-off\`. An unknown method answers 405 \`method-not-allowed\`, whatever its body,
and the header \`Allow\` lists the methods of the path: \`${request.method} ${request.path}\` answers \`Allow: ${headers.Allow}\`.`
}
