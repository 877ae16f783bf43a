/** What of a JSON Schema leads to models. */
interface Shape {
  $ref?: string
  properties?: Record<string, Shape>
  items?: Shape
  examples?: unknown[]
}

export type Schemas = Record<string, Shape | undefined>

/** A value that the document shows, and its schema. */
export type Shown = readonly [schema: Shape, value: unknown]

/**
 * Gives each model an example: the first value of it that stands in a request or a reply of the document, so that
 * there is none which is not sent or answered. One that stands in none of them keeps its own.
 */
export const addModelExamples = (schemas: Schemas, shown: readonly Shown[]): void => {
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
  for (const [schema, value] of shown) note(schema, value)
  for (const [name, value] of found) Object.assign(schemas[name] ?? {}, { examples: [value] })
}
