import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import type { TSchema } from 'typebox'
import { models } from '../../schemas/index.ts'
import type { NamedProblem, ParameterProblems } from '../../schemas/parameters.ts'
import type { FaultCode } from '../../schemas/problems.ts'
import { PROBLEMS, RULE } from '../../schemas/scalars.ts'
import type { Fault } from '../core/problem.ts'
import { WILDCARD, WILDCARD_NAME } from './path.ts'

/** One Ajv for all schemas: values are never changed, and every fault is reported. */
const createAjv = (): Ajv => {
  const ajv = new Ajv({
    allErrors: true,
    // With the schema in each error: it says its rule in words.
    verbose: true,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: true,
    strict: true,
    strictTypes: false,
    keywords: ['example', 'x-secret', 'x-enum-varnames', PROBLEMS, RULE]
  })
  addFormats.default(ajv, ['date', 'date-time', 'uri-reference', 'uuid'])
  for (const model of models) ajv.addSchema(model)
  return ajv
}

const INTEGER = /^(0|-?[1-9]\d{0,15})$/

/** Path and query are text: an integer or a boolean is read by a strict pattern; any other text is left as it is. */
const readText = (type: string | undefined, text: unknown): unknown => {
  if (typeof text !== 'string') return text
  if (type === 'integer' && INTEGER.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** The schema of a parameter, as far as it is read here. */
interface ParameterSchema {
  type?: string
  [PROBLEMS]?: ParameterProblems
}

/** An error of Ajv with the problem that its parameter names. */
interface ParameterError extends ErrorObject {
  problem?: NamedProblem | undefined
}

/** Checks bodies as they were sent, and path, query and headers as text. */
export const createValidatorCompiler = (): FastifySchemaCompiler<TSchema> => {
  const ajv = createAjv()
  return ({ schema, httpPart }) => {
    const validate = ajv.compile(schema)
    if (httpPart === 'body') return validate
    const parameters = new Map(
      Object.entries((schema as { properties?: Record<string, ParameterSchema> }).properties ?? {})
    )
    // Fastify reads the errors from the function that it was given.
    const validateText: ValidateFunction = Object.assign(
      (data: Record<string, unknown>): data is Record<string, unknown> => {
        for (const [name, { type }] of parameters) {
          if (Object.hasOwn(data, name)) data[name] = readText(type, data[name])
        }
        const valid = validate(data)
        validateText.errors = validate.errors?.map(error => asParameterError(data, error, parameters)) ?? null
        return valid
      },
      { schema, schemaEnv: validate.schemaEnv, evaluated: validate.evaluated, errors: null }
    ) as ValidateFunction
    return validateText
  }
}

const asParameterError = (
  data: Record<string, unknown>,
  error: ErrorObject,
  parameters: ReadonlyMap<string, ParameterSchema>
): ParameterError => {
  const name = nameIn(pointerOf(error))
  const problem = parameters.get(name)?.[PROBLEMS]?.[isMissing(error) ? 'missing' : 'wrong']
  // The parser of the query makes a list of a repeated parameter.
  return Array.isArray(data[name])
    ? { ...error, keyword: 'repeated', message: 'is given more than once', problem }
    : { ...error, problem }
}

/** Missing, or empty where a character is required. */
const isMissing = ({ keyword, params }: ErrorObject): boolean =>
  keyword === 'required' || (keyword === 'minLength' && params['limit'] === 1)

const places = { body: 'body', querystring: 'query', params: 'path', headers: 'header' } as const

/** The part of a request that was validated, as Fastify calls it. */
export type Part = keyof typeof places

/** The first error at each place: several errors at one place are one fault. */
const firstErrors = (errors: readonly FastifySchemaValidationError[]): ParameterError[] =>
  [...Map.groupBy(errors as ParameterError[], pointerOf).values()].flatMap(([first]) => first ?? [])

/** The faults of a part of the request. */
export const faultsOf = (part: Part, errors: readonly FastifySchemaValidationError[]): Fault[] =>
  firstErrors(errors)
    .slice(0, 100)
    .map(error => {
      const place = places[part]
      const pointer = pointerOf(error)
      const { code, detail } = describe(error)
      return place === 'body'
        ? { in: place, pointer: pointer.slice(0, 512), code, detail }
        : { in: place, parameter: documentedName(nameIn(pointer)).slice(0, 256), code, detail }
    })

/** The problem of the parameter at fault, when it is the only one and names a problem. */
export const namedProblemOf = (errors: readonly FastifySchemaValidationError[]): NamedProblem | undefined => {
  const [first, ...others] = firstErrors(errors)
  return others.length === 0 && first !== undefined ? (first.problem ?? problemInSchema(first)) : undefined
}

/** The problem that the schema of a member names. */
const problemInSchema = (error: ParameterError): NamedProblem | undefined =>
  error.keyword === 'required' || error.keyword === 'type'
    ? undefined
    : (schemaOf(error)[PROBLEMS] as ParameterProblems | undefined)?.wrong

const schemaOf = ({ parentSchema = {} }: ErrorObject): Record<string, unknown> => parentSchema

const documentedName = (name: string): string => (name === WILDCARD ? WILDCARD_NAME : name)

/** A pointer to the place; the name of a missing or unknown member is in the error's parameters, not in its path. */
const pointerOf = ({ instancePath, params }: ErrorObject): string => {
  const member: unknown = params['missingProperty'] ?? params['additionalProperty']
  return typeof member === 'string'
    ? `${instancePath}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`
    : instancePath
}

/** The name of a parameter as it was sent. */
const nameIn = (pointer: string): string => pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~')

/** The code of a fault, and a text for people: no pattern, and no word of the validator. */
const describe = (error: ErrorObject): { code: FaultCode; detail: string } => {
  const { keyword, params } = error
  const rule = schemaOf(error)[RULE]
  const limit = Number(params['limit'])
  const [code, text] = DESCRIPTIONS[keyword]?.(params, limit) ?? ['pattern', 'is not valid']
  const isOfText = keyword === 'pattern' || keyword === 'format' || keyword === 'minLength' || keyword === 'maxLength'
  return { code, detail: (isOfText && typeof rule === 'string' ? rule : text).slice(0, 400) }
}

const characters = (count: number) => (count === 1 ? '1 character' : `${count} characters`)
const entries = (count: number) => (count === 1 ? '1 entry' : `${count} entries`)

const TYPES: Record<string, string | undefined> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list'
}

type Description = (params: Record<string, unknown>, limit: number) => [FaultCode, string]

/** By the keyword of the schema. */
const DESCRIPTIONS: Record<string, Description | undefined> = {
  required: () => ['missing', 'is missing'],
  additionalProperties: () => ['unknown-member', 'is unknown'],
  enum: ({ allowedValues }) => ['not-listed', `must be one of ${(allowedValues as unknown[]).join(', ')}`],
  type: ({ type }) => ['wrong-type', `must be ${TYPES[String(type)] ?? String(type)}`],
  minLength: (_, limit) => ['too-short', `must have at least ${characters(limit)}`],
  maxLength: (_, limit) => ['too-long', `must have at most ${characters(limit)}`],
  minimum: (_, limit) => ['too-small', `must be at least ${limit}`],
  exclusiveMinimum: (_, limit) => ['too-small', `must be more than ${limit}`],
  maximum: (_, limit) => ['too-large', `must be at most ${limit}`],
  minItems: (_, limit) => ['too-few', `must have at least ${entries(limit)}`],
  maxItems: (_, limit) => ['too-many', `must have at most ${entries(limit)}`],
  minProperties: (_, limit) => ['too-few', `must have at least ${entries(limit)}`],
  maxProperties: (_, limit) => ['too-many', `must have at most ${entries(limit)}`],
  uniqueItems: () => ['repeated', 'has an entry twice'],
  repeated: () => ['repeated', 'is given more than once'],
  pattern: () => ['pattern', 'has a form that is not allowed'],
  format: () => ['pattern', 'has a form that is not allowed'],
  const: ({ allowedValue }) => ['not-listed', `must be ${String(allowedValue)}`]
}
