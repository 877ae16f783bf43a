import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf } from '../../core/address.ts'
import { noUpstreamTiming } from '../../core/context.ts'
import type { Problem } from '../../core/problem.ts'
import type { Metrics } from '../../observability/metrics.ts'
import { createRequestLines } from '../../observability/request-line.ts'
import { randomSpanId, traceHeader, traceIdOf, traceParentOf } from '../../observability/trace-context.ts'
import { onFinished } from '../on-finished.ts'
import { routeOf } from '../operation.ts'
import { CONTEXT, findContext } from '../route.ts'

export interface TelemetryOptions {
  metrics: Metrics
}

/** The name under which `plugins/errors` leaves the name of the problem. */
export const PROBLEM = 'problem'

/** The name under which it leaves why a call to HOSTKEY failed on the way. */
export const CAUSE = 'cause'

/** One log line and one count for each request; `Server-Timing` for the caller. */
export const telemetry = fp(
  async (app: FastifyInstance, { metrics }: TelemetryOptions) => {
    app.decorateRequest(PROBLEM)
    app.decorateRequest(CAUSE)
    app.decorateRequest(CONTEXT)
    const writeLine = createRequestLines(app.log)
    app.addHook('onSend', (request, reply, _payload, done) => {
      const timing = timingOf(request)
      const queue = timing.queueMs === undefined ? '0.0' : timing.queueMs.toFixed(1)
      reply.header(
        'server-timing',
        `queue;dur=${queue}, upstream;dur=${timing.ms.toFixed(1)}, total;dur=${reply.elapsedTime.toFixed(1)}`
      )
      if (request.headers['traceparent'] !== undefined && !reply.hasHeader('traceresponse')) answerTrace(request, reply)
      done()
    })
    onFinished(app, (request, reply) => {
      const { operationId: operation = 'none', url: route } = routeOf(request)
      const problem = problemIn(request)
      const timing = timingOf(request)
      const ms = reply.elapsedTime
      metrics.request(operation, reply.statusCode, problem ?? '', ms)
      writeLine(
        {
          requestId: request.id,
          operation,
          method: request.method,
          route,
          status: reply.statusCode,
          problem,
          cause: request.getDecorator<string | undefined>(CAUSE) ?? timing.cause,
          ms,
          upstreamMs: timing.ms,
          upstreamCalls: timing.calls,
          caller: findContext(request)?.caller.id,
          ip: addressOf(request),
          clientAborted: reply.raw.writableFinished ? undefined : true
        },
        traceIdOf(request.headers)
      )
    })
  },
  { name: 'telemetry' }
)

/** Names the trace (W3C Trace Context, level 2), where no span is sent. */
const answerTrace = ({ headers }: FastifyRequest, reply: FastifyReply): void => {
  const parent = traceParentOf(headers)
  if (parent) reply.header('traceresponse', traceHeader({ ...parent, spanId: randomSpanId(), isSampled: false }))
}

/** The log line and the count of a request that the router gave up on: it runs no hooks and called nothing. */
export const recordUnrouted = (request: FastifyRequest, { problem, status }: Problem, metrics: Metrics): void => {
  metrics.request('none', status, problem, 0)
  const { method } = request
  request.log.info({ operation: 'none', method, status, problem, ms: 0, upstreamMs: 0, upstreamCalls: 0 }, 'request')
}

const timingOf = (request: FastifyRequest) => findContext(request)?.upstream ?? noUpstreamTiming()

/** The problem with which a request was answered. */
export const problemIn = (request: FastifyRequest): string | undefined =>
  request.getDecorator<string | undefined>(PROBLEM)
