interface Reply {
  $ref?: string
  /** The names of its problems by status. */
  'x-problems'?: Record<string, string[]>
}

/** The parts of the OpenAPI document that describe problems. */
export interface Document {
  /** Replies to requests that match no operation. */
  'x-unrouted'?: Record<string, Reply>
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, Reply> }>>
  components: { responses: Record<string, Reply> }
}

/** A module with the status of every problem in the document, and the problems of each operation. */
export const problemsModule = ({ paths, components, 'x-unrouted': unrouted = {} }: Document): string => {
  const followed = (given: Reply): Reply | undefined =>
    given.$ref === undefined ? given : components.responses[given.$ref.split('/').at(-1) ?? '']
  const problemsIn = (reply: Reply): [name: string, status: number][] =>
    Object.entries(followed(reply)?.['x-problems'] ?? {}).flatMap(([status, names]) =>
      names.map((name): [string, number] => [name, Number(status)])
    )
  const all = [...Object.values(components.responses), ...Object.values(unrouted)].flatMap(problemsIn)
  const statuses = [...new Map(all)].sort(([a], [b]) => (a < b ? -1 : 1))
  if (statuses.length === 0) throw new Error('openapi.yaml names no problem')
  const operations = Object.values(paths)
    .flatMap(methods => Object.values(methods))
    .map(({ operationId, responses }) => {
      const listed = Object.entries(responses).flatMap(([status, reply]) =>
        problemsIn(reply).filter(([, each]) => status !== 'default' || !(each in responses))
      )
      const names = new Set(listed.map(([name]) => name))
      return `  ${operationId}: ${
        [...names]
          .sort()
          .map(name => `'${name}'`)
          .join(' | ') || 'never'
      }\n`
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
