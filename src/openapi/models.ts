/** The parts of a JSON Schema that lead to models. */
interface Shape {
  $ref?: string
  properties?: Record<string, Shape>
  items?: Shape
  examples?: unknown[]
}

export type Schemas = Record<string, Shape | undefined>

/** An example in the document, and its schema. */
export type ModelExample = readonly [schema: Shape, value: unknown]

/**
 * Gives each model an example: the first value of it in a request or a reply of the document, so that every example is
 * one that is sent or answered. A model without such a value keeps its own example.
 */
export const addModelExamples = (schemas: Schemas, values: readonly ModelExample[]): void => {
  const found = new Map<string, unknown>()
  const note = (shape: Shape | undefined, value: unknown): void => {
    const name = shape?.$ref?.split('/').at(-1)
    if (name !== undefined) {
      if (!found.has(name)) found.set(name, value)
      note(schemas[name], value)
    } else if (Array.isArray(value)) {
      for (const item of value) note(shape?.items, item)
    } else if (typeof value === 'object' && value !== null) {
      for (const [member, inner] of Object.entries(value)) note(shape?.properties?.[member], inner)
    }
  }
  for (const [schema, value] of values) note(schema, value)
  for (const [name, value] of found) Object.assign(schemas[name] ?? {}, { examples: [value] })
}
