interface Reply {
  $ref?: string
  content?: Record<string, { examples?: Record<string, unknown> }>
}

/** What of the OpenAPI document tells the problems. */
export interface Document {
  /** Replies to requests that are no operation. */
  'x-unrouted'?: Record<string, Reply>
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, Reply> }>>
  components: {
    responses: Record<string, Reply>
    examples: Record<string, { value: { type?: string; status?: number } }>
  }
}

/** A module with every problem of the document, its status, and which operation can answer it. */
export const problemsModule = ({ paths, components, 'x-unrouted': unrouted = {} }: Document): string => {
  const examplesIn = (reply: Reply): string[] => {
    const found = reply.$ref === undefined ? reply : components.responses[reply.$ref.split('/').at(-1) ?? '']
    return Object.keys(found?.content?.['application/problem+json']?.examples ?? {})
  }
  const ofOperations = Object.entries(components.examples).flatMap(([name, { value }]): [string, number][] =>
    value.type?.endsWith(`/problems/${name}`) && value.status ? [[name, value.status]] : []
  )
  const elsewhere = Object.entries(unrouted).flatMap(([status, reply]) =>
    examplesIn(reply).map((name): [string, number] => [name, Number(status)])
  )
  const statuses = [...new Map([...ofOperations, ...elsewhere])].sort(([a], [b]) => (a < b ? -1 : 1))
  if (ofOperations.length === 0) throw new Error('the document names no problem')
  const known = new Set(statuses.map(([name]) => name))
  const namesOf = (reply: Reply) => examplesIn(reply).filter(name => known.has(name))
  const operations = Object.values(paths)
    .flatMap(methods => Object.values(methods))
    .map(({ operationId, responses }) => {
      const names = [...new Set(Object.values(responses).flatMap(namesOf))].sort()
      return `  ${operationId}: ${names.map(name => `'${name}'`).join(' | ') || 'never'}\n`
    })

  return `
/** Every problem that the gateway can answer, and its status. */
export const statusOf = {
${statuses.map(([name, status]) => `  '${name}': ${status}`).join(',\n')}
} as const

/** Which operation can answer which problem. */
export interface ProblemsByOperation {
${operations.join('')}}
`
}
