import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import fp from 'fastify-plugin'
import type { ProblemName } from '../../../schemas/problems.ts'
import { type Fault, Problem, problemBody, withOutcome } from '../../core/problem.ts'
import { NewerRecord, StoreUnavailable } from '../../store/index.ts'
import { transportCauseOf } from '../../upstream/protocol/failure-stage.ts'
import { PROBLEM_TYPE } from '../accept.ts'
import { isReadable } from '../path.ts'
import type { SwitchedOff } from '../switched-off.ts'
import { faultsOf, namedProblemOf, type Part } from '../validation.ts'
import { CAUSE, PROBLEM } from './telemetry.ts'

export interface ErrorOptions {
  publicUrl: string
}

export interface UnroutedOptions {
  switchedOff: Pick<SwitchedOff, 'has'>
}

/** The one place where a failure becomes a reply. */
export const errors = fp(
  async (app: FastifyInstance, { publicUrl }: ErrorOptions) => {
    app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error, request), request, reply, publicUrl))
    // For plugins that find nothing, such as that of the pages' files.
    app.setNotFoundHandler((request, reply) =>
      sendProblem(missingRoute(request, methodsOf(app, request)), request, reply, publicUrl)
    )
  },
  { name: 'errors' }
)

/** Answers requests without a route before their body is looked at: OPTIONS with the methods of the path, others with a problem. */
export const unrouted = fp(
  async (app: FastifyInstance, { switchedOff }: UnroutedOptions) => {
    app.addHook('onRequest', (request, reply, done) => {
      // With allowed origins, `@fastify/cors` has a route for every OPTIONS request; preflights are answered before.
      if (!request.is404 && request.method !== 'OPTIONS') return done()
      if (switchedOff.has(request.method, pathOf(request))) {
        throw new Problem('switched-off', 'The operator has switched this operation off.')
      }
      const allowed = methodsOf(app, request)
      if (request.method !== 'OPTIONS' || allowed.length === 0) throw missingRoute(request, allowed)
      reply.code(204).header('allow', allowed.join(', ')).send()
    })
  },
  { name: 'unrouted' }
)

/** Sends problem+json, and leaves for the log what the caller does not see. */
export const sendProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply, publicUrl: string) => {
  const { headers, retryAfterSeconds } = problem.options
  record(problem, request)
  reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .headers({ ...headers })
  if (retryAfterSeconds !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryAfterSeconds)))
  if (problem.status === 401) reply.header('www-authenticate', challengeOf(problem.problem))
  return reply.send(problemBody(withOutcome(problem, request.method), { publicUrl, instance: request.id }))
}

/** Describes a failure after the status was sent, and leaves it for the log like any other. */
export const explain = (error: unknown, request: FastifyRequest, publicUrl: string) => {
  const problem = problemOf(error, request)
  record(problem, request)
  return problemBody(problem, { publicUrl, instance: request.id })
}

const record = (problem: Problem, request: FastifyRequest): void => {
  if (problem.problem === 'internal') request.log.error({ err: problem.cause }, 'internal error')
  if (problem.cause instanceof NewerRecord) request.log.error(problem.cause.fault, 'a record cannot be read')
  // A request on which the router gave up lacks the decorators of `telemetry`.
  if (!(PROBLEM in request)) return
  request.setDecorator(PROBLEM, problem.problem)
  request.setDecorator(CAUSE, transportCauseOf(problem)?.code)
}

const challengeOf = (name: ProblemName): string => {
  const realm = 'Bearer realm="hostkey-s3-gateway"'
  return name === 'unauthenticated' ? realm : `${realm}, error="invalid_token"`
}

/** The problem for an error of Fastify, of a parser or of ours. */
export const problemOf = (error: unknown, request: FastifyRequest): Problem => {
  if (error instanceof Problem) return error
  if (error instanceof NewerRecord) {
    return new Problem('store-unavailable', NEWER, { retryAfterSeconds: 30, cause: error })
  }
  if (error instanceof StoreUnavailable) {
    return new Problem('store-unavailable', 'The session store does not answer.', {
      retryAfterSeconds: 2,
      cause: error
    })
  }
  const { code = '', statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (validation) return invalid(request, partOf(validationContext), validation)
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const max = request.routeOptions.bodyLimit
    const size = max >= MEBIBYTE ? `${max / MEBIBYTE} MiB` : `${max / 1024} KiB`
    return new Problem('body-too-large', `The body is larger than ${size}.`, { cause: error })
  }
  const known = byCode[code]
  if (known) return new Problem(...known, { cause: error })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem('invalid-request', 'The body is not valid JSON.', { cause: error, errors: [UNREADABLE_BODY] })
  }
  return new Problem('internal', 'Something went wrong in the gateway.', { cause: error })
}

const NEWER =
  'A newer version of the gateway wrote this record. Nothing was changed: send the request again after the update.'

const MEBIBYTE = 2 ** 20

/** Broken JSON is one fault: the parser does not say where it is. */
const UNREADABLE_BODY: Fault = {
  in: 'body',
  pointer: '',
  code: 'unreadable',
  detail: 'is not JSON, or has a member named __proto__ or constructor'
}

/** The maximum in the schema of a problem. */
const MAX_FAULTS = 100

/** The parts of a request in the order in which Fastify validates them; it stops at the first with a fault. */
const PARTS = [
  ['params', 'params'],
  ['body', 'body'],
  ['querystring', 'query'],
  ['headers', 'headers']
] as const

/** The faults of the parts after this one, so that the caller reads all faults at once. */
const laterFaults = (request: FastifyRequest, context: Part): Fault[] =>
  PARTS.slice(PARTS.findIndex(([part]) => part === context) + 1).flatMap(([part, member]) => {
    const validate = request.getValidationFunction(part)
    const isValid = validate?.(request[member]) ?? true
    return isValid ? [] : faultsOf(part, validate?.errors ?? [])
  })

const partOf = (context: string | undefined): Part =>
  context === 'querystring' || context === 'params' || context === 'headers' ? context : 'body'

/** The first part with a fault names the problem; `errors` lists the faults of all parts. */
const invalid = (request: FastifyRequest, part: Part, validation: FastifySchemaValidationError[]): Problem => {
  const { name, detail } = namedProblemOf(validation) ?? INVALID
  const faults = [...faultsOf(part, validation), ...laterFaults(request, part)]
  return new Problem(name, detail, { errors: faults.slice(0, MAX_FAULTS) })
}

const INVALID = { name: 'invalid-request', detail: 'The request is not valid; nothing was sent to HOSTKEY.' } as const

const MALFORMED_PATH: [ProblemName, string] = ['malformed-url', 'The path is not percent-encoded UTF-8.']

const byCode: Record<string, [ProblemName, string] | undefined> = {
  FST_ERR_BAD_URL: MALFORMED_PATH,
  FST_ERR_MAX_PARAM_LENGTH: ['uri-too-long', 'A part of the URL is longer than 4096 characters.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'The body must be application/json.']
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? ''

/** The methods of the path; empty for an unknown path. */
const methodsOf = (app: FastifyInstance, request: FastifyRequest): string[] => {
  const url = pathOf(request)
  const found = app.supportedMethods.filter(method => method !== 'OPTIONS' && app.findRoute({ method, url }) !== null)
  return found.length === 0 ? [] : [...found, 'OPTIONS']
}

/** 400 for a path that cannot be decoded, 405 with the methods of the path, or 404. */
const missingRoute = (request: FastifyRequest, allowed: readonly string[]): Problem => {
  if (!isReadable(request.originalUrl)) return new Problem(...MALFORMED_PATH)
  if (allowed.length === 0) return new Problem('route-not-found', 'There is no such route.')
  return new Problem('method-not-allowed', `The methods of this path are ${allowed.join(', ')}.`, {
    headers: { allow: allowed.join(', ') }
  })
}
