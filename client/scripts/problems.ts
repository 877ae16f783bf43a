interface Reply {
  $ref?: string
  content?: Record<string, { examples?: Record<string, unknown> }>
}

/** The parts of the OpenAPI document that describe problems. */
export interface Document {
  /** Replies to requests that match no operation. */
  'x-unrouted'?: Record<string, Reply>
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, Reply> }>>
  components: {
    responses: Record<string, Reply>
    examples: Record<string, { value: { type?: string; status?: number } }>
  }
}

/** A module with the status of every problem in the document, and the problems of each operation. */
export const problemsModule = ({ paths, components, 'x-unrouted': unrouted = {} }: Document): string => {
  const examplesOf = (reply: Reply): string[] => {
    const resolved = reply.$ref === undefined ? reply : components.responses[reply.$ref.split('/').at(-1) ?? '']
    return Object.keys(resolved?.content?.['application/problem+json']?.examples ?? {})
  }
  const ofOperations = Object.entries(components.examples).flatMap(([name, { value }]): [string, number][] =>
    value.type?.endsWith(`/problems/${name}`) && value.status ? [[name, value.status]] : []
  )
  const ofUnrouted = Object.entries(unrouted).flatMap(([status, reply]) =>
    examplesOf(reply).map((name): [string, number] => [name, Number(status)])
  )
  const statuses = [...new Map([...ofOperations, ...ofUnrouted])].sort(([a], [b]) => (a < b ? -1 : 1))
  if (ofOperations.length === 0) throw new Error('openapi.yaml has no example of a problem')
  const known = new Set(statuses.map(([name]) => name))
  const problemsOf = (reply: Reply) => examplesOf(reply).filter(name => known.has(name))
  const operations = Object.values(paths)
    .flatMap(methods => Object.values(methods))
    .map(({ operationId, responses }) => {
      const names = [...new Set(Object.values(responses).flatMap(problemsOf))].sort()
      return `  ${operationId}: ${names.map(name => `'${name}'`).join(' | ') || 'never'}\n`
    })

  return `
/** The status of every problem of the gateway. */
export const statusOf = {
${statuses.map(([name, status]) => `  '${name}': ${status}`).join(',\n')}
} as const

/** The problems of each operation. */
export interface ProblemsByOperation {
${operations.join('')}}
`
}
