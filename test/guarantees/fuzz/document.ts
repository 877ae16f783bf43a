/** The parts of the OpenAPI document from which requests are generated. */
export interface Document {
  paths: Record<string, Record<string, OperationObject>>
  components: { schemas: Record<string, Schema> }
}

export interface OperationObject {
  operationId: string
  parameters?: { in: 'path' | 'query' | 'header'; name: string; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** The part of JSON Schema that the document uses. */
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
  minItems?: number
  maxItems?: number
}

/** One operation with what a request needs. */
export interface Operation {
  operationId: string
  method: string
  /** With parameters in braces. */
  template: string
  parameters: NonNullable<OperationObject['parameters']>
  /** Schema of its body; undefined without a body. */
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

/** Resolves a reference to a schema. @throws TypeError for an unknown reference */
export const resolved = (schema: Schema, document: Document): Schema => {
  if (schema.$ref === undefined) return schema
  const found = document.components.schemas[schema.$ref.split('/').at(-1) ?? '']
  if (!found) throw new TypeError(`${schema.$ref} names nothing`)
  return resolved(found, document)
}
