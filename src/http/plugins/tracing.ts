import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  randomSpanId,
  randomTraceId,
  type TraceParent,
  traceHeader,
  traceParentOf
} from '../../observability/trace-context.ts'
import type { Tracer } from '../../observability/tracing.ts'
import { onFinished } from '../on-finished.ts'
import { routeOf } from '../operation.ts'
import { problemIn } from './telemetry.ts'

/** One span for each request. Registered only where spans are sent. */
export const tracing = fp(
  async (app: FastifyInstance, { tracer }: { tracer: Tracer }) => {
    const spans = new WeakMap<FastifyRequest, { own: TraceParent; parentId: string | undefined }>()
    app.addHook('onRequest', (request, reply, done) => {
      const parent = traceParentOf(request.headers)
      const isSampled = parent?.isSampled ?? tracer.isChosen()
      const own = { traceId: parent?.traceId ?? randomTraceId(), spanId: randomSpanId(), isSampled }
      spans.set(request, { own, parentId: parent?.spanId })
      // The log and the reply name the trace that begins here too.
      request.raw.headers['traceparent'] = traceHeader(own)
      reply.header('traceresponse', traceHeader(own))
      tracer.within(own, done)
    })
    // A body is received in the course of the connection.
    app.addHook('preValidation', (request, _reply, done) => {
      const span = spans.get(request)
      if (span) tracer.within(span.own, done)
      else done()
    })
    onFinished(app, (request, reply) => {
      const span = spans.get(request)
      if (!span) return
      const { operationId, url } = routeOf(request)
      const { statusCode } = reply
      tracer.request(span.own, span.parentId, {
        name: operationId ?? request.method,
        ms: reply.elapsedTime,
        attributes: {
          'http.request.method': request.method,
          'http.route': url,
          'http.response.status_code': statusCode,
          'gateway.problem': problemIn(request),
          'gateway.request_id': request.id
        },
        isError: statusCode >= 500
      })
    })
  },
  { name: 'tracing' }
)
