import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import type { TSchema } from 'typebox'
import { models } from '../../schemas/index.ts'
import type { Fault } from '../core/problem.ts'

/** One Ajv for all: what is sent is taken as it is, and every fault is reported. */
const createAjv = (): Ajv => {
  const ajv = new Ajv({
    allErrors: true,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: true,
    strict: true,
    strictTypes: false,
    keywords: ['example', 'x-secret']
  })
  addFormats.default(ajv, ['date', 'date-time', 'uri-reference', 'uuid'])
  for (const model of models) ajv.addSchema(model)
  return ajv
}

const INTEGER = /^(0|-?[1-9]\d{0,15})$/

/** Path and query are text: what a schema calls an integer or a boolean is read from strict patterns, all else stays text. */
const readText = (type: string | undefined, text: unknown): unknown => {
  if (typeof text !== 'string') return text
  if (type === 'integer' && INTEGER.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** Checks bodies as they were sent, and path, query and headers as the text that they are. */
export const createValidatorCompiler = (): FastifySchemaCompiler<TSchema> => {
  const ajv = createAjv()
  return ({ schema, httpPart }) => {
    const validate = ajv.compile(schema)
    if (httpPart !== 'querystring' && httpPart !== 'params') return validate
    const types = Object.entries((schema as { properties?: Record<string, { type?: string }> }).properties ?? {})
    // Fastify reads the faults off the function that it was given.
    const validateText: ValidateFunction = Object.assign(
      (data: Record<string, unknown>): data is Record<string, unknown> => {
        for (const [name, { type }] of types) {
          if (Object.hasOwn(data, name)) data[name] = readText(type, data[name])
        }
        const valid = validate(data)
        validateText.errors = validate.errors?.map(error => asRepeated(data, error)) ?? null
        return valid
      },
      { schema, schemaEnv: validate.schemaEnv, evaluated: validate.evaluated, errors: null }
    ) as ValidateFunction
    return validateText
  }
}

/** A name that a query holds twice is a list, whatever its schema says that it should be. */
const asRepeated = (data: Record<string, unknown>, error: ErrorObject): ErrorObject =>
  Array.isArray(data[error.instancePath.slice(1)])
    ? { ...error, keyword: 'repeated', message: 'is given more than once' }
    : error

const places = { body: 'body', querystring: 'query', params: 'path', headers: 'header' } as const

/** One entry for each fault; several complaints about one place are one fault. */
export const faultsOf = (context: keyof typeof places, errors: FastifySchemaValidationError[]): Fault[] => {
  const faults = new Map<string, Fault>()
  for (const error of errors as ErrorObject[]) {
    const pointer = `${error.instancePath}${memberOf(error)}`
    if (faults.has(pointer)) continue
    const detail = (error.message ?? 'is not valid').slice(0, 200)
    const place = places[context]
    faults.set(
      pointer,
      place === 'body'
        ? { in: place, pointer: pointer.slice(0, 512), detail: describe(error, detail) }
        : { in: place, parameter: nameIn(pointer).slice(0, 256), detail: describe(error, detail) }
    )
  }
  return [...faults.values()].slice(0, 100)
}

/** A parameter is named as it was sent, not as a pointer spells it. */
const nameIn = (pointer: string): string => pointer.slice(1).replaceAll('~1', '/').replaceAll('~0', '~')

/** The member that is missing or too many stands in the parameters of the error, not in its path. */
const memberOf = ({ params }: ErrorObject): string => {
  const member: unknown = params['missingProperty'] ?? params['additionalProperty']
  return typeof member === 'string' ? `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}` : ''
}

const describe = ({ keyword, params }: ErrorObject, message: string): string => {
  if (keyword === 'required') return 'is missing'
  if (keyword === 'additionalProperties') return 'is unknown'
  if (keyword === 'enum') return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`.slice(0, 400)
  return message
}
