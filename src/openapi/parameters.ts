export interface Parameter {
  in: string
  name: string
  example?: unknown
}

interface Operation {
  operationId: string
  parameters?: (Parameter | { $ref: string })[]
}

/**
 * Replaces the parameters that several operations have by references.
 * @returns them by name; one that differs from an earlier one of its name, by `<name>-<first operation>`
 */
export const sharedParameters = (operations: readonly Operation[]): Record<string, object> => {
  const uses = Map.groupBy(
    operations.flatMap(operation =>
      (operation.parameters ?? []).flatMap((parameter, at) =>
        '$ref' in parameter ? [] : [{ operation, parameter, at }]
      )
    ),
    ({ parameter }) => JSON.stringify(parameter)
  )
  const shared: Record<string, object> = {}
  for (const [first, ...others] of uses.values()) {
    if (!first || others.length === 0) continue
    const { name } = first.parameter
    const component = Object.hasOwn(shared, name) ? `${name}-${first.operation.operationId}` : name
    shared[component] = first.parameter
    for (const { operation, at } of [first, ...others]) {
      operation.parameters?.splice(at, 1, { $ref: `#/components/parameters/${component}` })
    }
  }
  return shared
}
