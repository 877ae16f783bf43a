/** The parts of the OpenAPI document from which requests are generated. */
export interface Document {
  paths: Record<string, Record<string, OperationObject>>
  components: { schemas: Record<string, Schema>; parameters: Record<string, Parameter> }
}

interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
  required?: boolean
  schema: Schema
}

export interface OperationObject {
  operationId: string
  parameters?: (Parameter | { $ref: string })[]
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
  parameters: Parameter[]
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
      parameters: parameters.map(each => ('$ref' in each ? sharedParameter(each.$ref, document) : each)),
      body: requestBody?.content['application/json']?.schema
    }))
  )

const sharedParameter = ($ref: string, { components }: Document): Parameter => {
  const found = components.parameters[$ref.split('/').at(-1) ?? '']
  if (!found) throw new TypeError(`${$ref} names nothing`)
  return found
}

/** Resolves a reference to a schema. @throws TypeError for an unknown reference */
export const resolved = (schema: Schema, document: Document): Schema => {
  if (schema.$ref === undefined) return schema
  const found = document.components.schemas[schema.$ref.split('/').at(-1) ?? '']
  if (!found) throw new TypeError(`${schema.$ref} names nothing`)
  return resolved(found, document)
}
