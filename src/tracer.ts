import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import type { JobKind } from './domain/jobs/kind.ts'
import type { Tracer } from './observability/tracing.ts'

/** The module is loaded only where spans are sent. */
export const createTracerFor = async (config: Config, log: Logger): Promise<Tracer | undefined> => {
  if (!config.otlpEndpoint) return undefined
  const pairs = config.otlpHeaders?.reveal().split(',') ?? []
  return (await import('./observability/tracing.ts')).createTracer({
    endpoint: config.otlpEndpoint,
    headers: Object.fromEntries(
      pairs.map(pair => [
        pair.slice(0, pair.indexOf('=')).trim(),
        decodeURIComponent(pair.slice(pair.indexOf('=') + 1))
      ])
    ),
    serviceName: config.otelServiceName,
    ratio: config.traceRatio,
    onFailed: reason => log.warn({ reason }, 'spans cannot be sent; they are dropped until the receiver answers')
  })
}

/** A span for each step of a job: below it are its calls to HOSTKEY. */
export const tracedKind = <K extends JobKind>(kind: K, tracer: Tracer | undefined): K =>
  tracer ? { ...kind, step: (...of) => tracer.step(`${kind.name} step`, () => kind.step(...of)) } : kind

/** Calls both; the first alone where nothing is traced. */
export const both = <A extends unknown[]>(first: (...args: A) => void, second: ((...args: A) => void) | undefined) =>
  second
    ? (...args: A) => {
        first(...args)
        second(...args)
      }
    : first
