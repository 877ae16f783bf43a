/** The parts of the OpenAPI document from which requests are made. */
export interface Document {
  paths: Record<string, Record<string, OperationObject>>
  components: { schemas: Record<string, Schema> }
}

export interface OperationObject {
  operationId: string
  parameters?: { in: 'path' | 'query' | 'header'; name: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** What our documents hold of JSON Schema. */
export interface Schema {
  $ref?: string
  type?: string
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: readonly Schema[]
  pattern?: string
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minProperties?: number
  properties?: Record<string, Schema>
  required?: readonly string[]
  items?: Schema
}

/** One operation, ready to be asked for. */
export interface Operation {
  operationId: string
  method: string
  /** With parameters in braces. */
  template: string
  parameters: NonNullable<OperationObject['parameters']>
  /** Schema of the JSON that it takes; undefined when it takes no body. */
  body: Schema | undefined
}

/** Every operation of a document. */
export const operationsOf = (document: Document): Operation[] =>
  Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters = [], requestBody }]) => ({
      operationId,
      method: method.toUpperCase(),
      template,
      parameters,
      body: requestBody?.content['application/json']?.schema
    }))
  )

/** The schema itself, where it is named by a reference. @throws TypeError for a reference to nothing */
export const resolved = (schema: Schema, document: Document): Schema => {
  if (schema.$ref === undefined) return schema
  const found = document.components.schemas[schema.$ref.split('/').at(-1) ?? '']
  if (!found) throw new TypeError(`${schema.$ref} names nothing`)
  return resolved(found, document)
}
