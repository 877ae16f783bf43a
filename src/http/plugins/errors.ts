import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import fp from 'fastify-plugin'
import type { ProblemName } from '../../../schemas/problems.ts'
import { type Fault, Problem, problemBody, withOutcome } from '../../core/problem.ts'
import { StoreUnavailable } from '../../store/index.ts'
import { isReadable } from '../path.ts'
import { faultsOf } from '../validation.ts'
import { PROBLEM } from './telemetry.ts'

export interface ErrorOptions {
  publicUrl: string
}

/** The one place where a failure becomes a reply. */
export const errors = fp(
  async (app: FastifyInstance, { publicUrl }: ErrorOptions) => {
    app.setErrorHandler((error, request, reply) => sendProblem(problemOf(error, request), request, reply, publicUrl))
    app.setNotFoundHandler((request, reply) => sendProblem(missingRoute(app, request), request, reply, publicUrl))
  },
  { name: 'errors' }
)

/** Writes problem+json, and leaves for the log what the caller does not see. */
export const sendProblem = (problem: Problem, request: FastifyRequest, reply: FastifyReply, publicUrl: string) => {
  const { headers, retryAfterSeconds } = problem.options
  noted(problem, request)
  reply
    .code(problem.status)
    .type('application/problem+json')
    .headers({ ...headers })
  if (retryAfterSeconds !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryAfterSeconds)))
  if (problem.status === 401) reply.header('www-authenticate', challengeOf(problem.problem))
  return reply.send(problemBody(withOutcome(problem, request.method), { publicUrl, instance: request.id }))
}

/** What a caller reads of a failure after the status was sent; the log has it like any other. */
export const explained = (error: unknown, request: FastifyRequest, publicUrl: string) => {
  const problem = problemOf(error, request)
  noted(problem, request)
  return problemBody(problem, { publicUrl, instance: request.id })
}

const noted = (problem: Problem, request: FastifyRequest): void => {
  if (problem.problem === 'internal') request.log.error({ err: problem.cause }, 'internal error')
  // A URL that the router cannot read gets a bare request, without the decorators of `measure`.
  if (PROBLEM in request) request.setDecorator(PROBLEM, problem.problem)
}

const challengeOf = (name: ProblemName): string => {
  const realm = 'Bearer realm="hostkey-s3-gateway"'
  return name === 'unauthenticated' ? realm : `${realm}, error="invalid_token"`
}

/** The problem that an error of Fastify's, of the parser's or of ours stands for. */
export const problemOf = (error: unknown, request: FastifyRequest): Problem => {
  if (error instanceof Problem) return error
  if (error instanceof StoreUnavailable) {
    return new Problem('store-unavailable', 'The store of sessions does not answer.', {
      retryAfterSeconds: 2,
      cause: error
    })
  }
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (validation) {
    const context = contextOf(validationContext)
    const faults = faultsOf(context, validation as FastifySchemaValidationError[])
    return invalid(faults, laterFaults(request, context))
  }
  const known = code === undefined ? undefined : byCode[code]
  if (known) return new Problem(known(request), detailOf(known(request)), { cause: error })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Problem('invalid-request', 'The body is not valid JSON.', { cause: error, errors: [UNREADABLE_BODY] })
  }
  return new Problem('internal', 'Something went wrong in the gateway.', { cause: error })
}

/** Broken JSON has one fault: where it is, the parser does not say. */
const UNREADABLE_BODY: Fault = {
  in: 'body',
  pointer: '',
  detail: 'is not JSON, or has a member named __proto__ or constructor'
}

/** As many as the schema of a problem allows. */
const MAX_FAULTS = 100

/** The parts of a request, in the order in which Fastify judges them; it stops at the first that is at fault. */
const PARTS = [
  ['params', 'params'],
  ['body', 'body'],
  ['querystring', 'query'],
  ['headers', 'headers']
] as const

/** What is wrong with the parts behind the one at fault: a caller reads of all faults at once. */
const laterFaults = (request: FastifyRequest, context: (typeof PARTS)[number][0]): Fault[] =>
  PARTS.slice(PARTS.findIndex(([part]) => part === context) + 1).flatMap(([part, member]) => {
    const validate = request.getValidationFunction(part)
    const isValid = validate?.(request[member]) ?? true
    return isValid ? [] : faultsOf(part, validate?.errors ?? [])
  })

const contextOf = (context: string | undefined) =>
  context === 'querystring' || context === 'params' || context === 'headers' ? context : 'body'

/** Some faults have a name of their own: where they are, and whether the value is missing. */
const named: readonly { in: Fault['in']; parameter: string; missing: ProblemName; wrong: ProblemName }[] = [
  { in: 'path', parameter: '*', missing: 'file-path-required', wrong: 'file-path-encoding' },
  { in: 'query', parameter: 'path', missing: 'file-path-required', wrong: 'file-path-encoding' },
  { in: 'header', parameter: 'confirm-delete', missing: 'confirmation-required', wrong: 'confirmation-mismatch' },
  { in: 'header', parameter: 'idempotency-key', missing: 'idempotency-key-required', wrong: 'invalid-request' }
]

const EMPTY = /is missing|fewer than 1 /

/** The first part at fault names the problem; the others are told, too. */
const invalid = (faults: Fault[], later: Fault[]): Problem => {
  const first = faults[0]
  const row = named.find(row => faults.length === 1 && row.in === first?.in && row.parameter === first.parameter)
  const isUnknown = first?.detail === 'is unknown'
  const name = !row || isUnknown ? 'invalid-request' : EMPTY.test(first?.detail ?? '') ? row.missing : row.wrong
  return new Problem(name, detailOf(name), { errors: [...faults, ...later].slice(0, MAX_FAULTS).map(readable) })
}

/** The wildcard is called `path` in the document. */
const readable = (fault: Fault): Fault => (fault.parameter === '*' ? { ...fault, parameter: 'path' } : fault)

const details: Partial<Record<ProblemName, string>> = {
  'malformed-url': 'The URL is not well formed: every reserved character must be percent-encoded as UTF-8.',
  'file-path-required': 'The request names no file.',
  'file-path-encoding': 'The file path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.',
  'confirmation-required': 'The header Confirm-Delete must name what the URL deletes.',
  'confirmation-mismatch': 'The header Confirm-Delete names something else than the URL.',
  'idempotency-key-required': 'The header Idempotency-Key is missing.',
  'body-too-large': 'The body is larger than 16 KiB.',
  'unsupported-media-type': 'The body must be application/json.',
  'uri-too-long': 'The URL, or a part of it, is too long.'
}

const detailOf = (name: ProblemName): string =>
  details[name] ?? 'The request is not valid; nothing was sent to HOSTKEY.'

const unreadable = ({ method, originalUrl }: FastifyRequest): ProblemName =>
  method === 'DELETE' && /\/buckets\/[^/]*\/files[/?]/.test(originalUrl) ? 'file-path-encoding' : 'malformed-url'

const byCode: Record<string, (request: FastifyRequest) => ProblemName> = {
  FST_ERR_BAD_URL: unreadable,
  FST_ERR_MAX_PARAM_LENGTH: () => 'uri-too-long',
  FST_ERR_CTP_BODY_TOO_LARGE: () => 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => 'unsupported-media-type'
}

/** 400 for a path that cannot be read, 405 with the methods that the path knows, or 404. */
const missingRoute = (app: FastifyInstance, request: FastifyRequest): Problem => {
  if (!isReadable(request.originalUrl)) return new Problem(unreadable(request), detailOf(unreadable(request)))
  const url = request.url.split('?', 1)[0] ?? ''
  const allowed = app.supportedMethods.filter(method => method !== 'OPTIONS' && app.findRoute({ method, url }) !== null)
  if (allowed.length === 0) return new Problem('route-not-found', 'There is no such route.')
  return new Problem('method-not-allowed', `This path knows ${allowed.join(', ')}.`, {
    headers: { allow: allowed.join(', ') }
  })
}
