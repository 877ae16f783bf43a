import { AsyncLocalStorage } from 'node:async_hooks'
import { hostname } from 'node:os'
import { request } from 'undici'
import { version } from '../core/version.ts'
import type { Observation } from '../upstream/resilience/observation.ts'
import { randomSpanId, randomTraceId, type TraceParent } from './trace-context.ts'

/** Spans that wait to be sent; further ones are dropped. */
const MAX_WAITING = 4096
const SEND_MS = 1000
const TIMEOUT_MS = 5000

/** Values of OTLP. */
const KIND = { internal: 1, server: 2, client: 3 } as const
const STATUS_ERROR = 2

type Attributes = Readonly<Record<string, string | number | undefined>>

interface SpanData {
  name: string
  kind: keyof typeof KIND
  /** Milliseconds. The span ends when it is recorded. */
  ms: number
  attributes: Attributes
  isError: boolean
}

export interface TracerOptions {
  /** Base of the OTLP receiver; spans are sent to `v1/traces` below it. */
  endpoint: URL
  /** For the receiver, such as a credential. */
  headers: Readonly<Record<string, string>>
  serviceName: string
  /** Share of the requests without a `traceparent` that are traced. */
  ratio: number
  onFailed: (reason: string) => void
}

export type Tracer = ReturnType<typeof createTracer>

/**
 * Sends spans as OTLP in JSON over HTTP. Written by hand: the SDK of OpenTelemetry has more packages than the gateway, and
 * patches modules. Attributes are names and numbers that the gateway chooses, never text of a caller or of HOSTKEY.
 */
export const createTracer = ({ endpoint, headers, serviceName, ratio, onFailed }: TracerOptions) => {
  const current = new AsyncLocalStorage<TraceParent>()
  const url = new URL('v1/traces', endpoint)
  const resource = {
    attributes: attributesOf({ 'service.name': serviceName, 'service.version': version, 'host.name': hostname() })
  }
  let waiting: object[] = []
  let hasFailed = false

  const send = async (): Promise<void> => {
    const spans = waiting
    waiting = []
    if (spans.length === 0) return
    const body = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: serviceName, version }, spans }] }] }
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS)
      })
      await answer.body.dump()
      if (answer.statusCode >= 400) throw new Error(`HTTP ${answer.statusCode}`)
      hasFailed = false
    } catch (error) {
      if (!hasFailed) onFailed(error instanceof Error ? error.message : String(error))
      hasFailed = true
    }
  }
  const timer = setInterval(() => void send(), SEND_MS).unref()

  const add = (own: TraceParent, parentId: string | undefined, { name, kind, ms, attributes, isError }: SpanData) => {
    if (!own.isSampled || waiting.length >= MAX_WAITING) return
    const endMs = Date.now()
    waiting.push({
      traceId: own.traceId,
      spanId: own.spanId,
      ...(parentId !== undefined && { parentSpanId: parentId }),
      name,
      kind: KIND[kind],
      startTimeUnixNano: nanosOf(endMs - ms),
      endTimeUnixNano: nanosOf(endMs),
      attributes: attributesOf(attributes),
      ...(isError && { status: { code: STATUS_ERROR } })
    })
  }
  /** Records a span below that of the request in whose course it is called. */
  const record = (span: SpanData): void => {
    const parent = current.getStore()
    if (parent) add({ ...parent, spanId: randomSpanId() }, parent.spanId, span)
  }
  return {
    /** Runs the course of a request. */
    within: <T>(span: TraceParent, work: () => T): T => current.run(span, work),
    /** Is a request without a `traceparent` traced? */
    isChosen: (): boolean => Math.random() < ratio,
    request: (own: TraceParent, parentId: string | undefined, span: Omit<SpanData, 'kind'>) =>
      add(own, parentId, { kind: 'server', ...span }),
    attempt: ({ action, result, ms, cause }: Observation) =>
      record({
        name: action,
        kind: 'client',
        ms,
        attributes: { 'gateway.action': action, 'gateway.result': result, 'error.type': cause?.code },
        isError: result !== 'ok'
      }),
    queue: (callClass: string, ms: number) =>
      record({
        name: 'wait for a slot',
        kind: 'internal',
        ms,
        attributes: { 'gateway.class': callClass },
        isError: false
      }),
    store: (ms: number, isAnswered: boolean) =>
      record({ name: 'store', kind: 'client', ms, attributes: {}, isError: !isAnswered }),
    /** Runs a step that no caller waits for, in a trace of its own. */
    async step<T>(name: string, work: () => Promise<T>): Promise<T> {
      const own = { traceId: randomTraceId(), spanId: randomSpanId(), isSampled: Math.random() < ratio }
      const startedAt = performance.now()
      let isError = true
      try {
        const result = await current.run(own, work)
        isError = false
        return result
      } finally {
        add(own, undefined, { name, kind: 'internal', ms: performance.now() - startedAt, attributes: {}, isError })
      }
    },
    async close() {
      clearInterval(timer)
      await send()
    }
  }
}

const nanosOf = (ms: number): string => `${Math.round(ms * 1000)}000`

const attributesOf = (attributes: Attributes) =>
  Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }]
  )
