import type { FastifyBaseLogger } from 'fastify'

type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** The log of a request, made when something is written to it: of most requests only the request line is written. */
export const requestLog = (
  logger: FastifyBaseLogger,
  ...bindings: Parameters<FastifyBaseLogger['child']>
): FastifyBaseLogger => {
  let made: FastifyBaseLogger | undefined
  const log = () => {
    made ??= logger.child(...bindings)
    return made
  }
  return new Proxy(logger, {
    get: (_, name) =>
      typeof logger[name as Level] === 'function'
        ? (...line: [unknown, string?]) => log()[name as Level](...line)
        : Reflect.get(logger, name)
  })
}
