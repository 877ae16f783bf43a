import type { FastifyBaseLogger } from 'fastify'

type Bindings = Parameters<FastifyBaseLogger['child']>
type Line = [members: unknown, message?: string]

/** Fastify looks for each method on the log of each request: they are those of a class, and none is made for a request. */
class LazyLog {
  readonly #logger: FastifyBaseLogger
  readonly #bindings: Bindings
  #made: FastifyBaseLogger | undefined

  constructor(logger: FastifyBaseLogger, bindings: Bindings) {
    this.#logger = logger
    this.#bindings = bindings
  }

  get #log(): FastifyBaseLogger {
    this.#made ??= this.#logger.child(...this.#bindings)
    return this.#made
  }

  get level() {
    return this.#logger.level
  }

  child(...bindings: Bindings) {
    return this.#log.child(...bindings)
  }

  fatal(...line: Line) {
    this.#log.fatal(...line)
  }

  error(...line: Line) {
    this.#log.error(...line)
  }

  warn(...line: Line) {
    this.#log.warn(...line)
  }

  info(...line: Line) {
    this.#log.info(...line)
  }

  debug(...line: Line) {
    this.#log.debug(...line)
  }

  trace(...line: Line) {
    this.#log.trace(...line)
  }

  silent() {
    // Writes nothing.
  }
}

/** The log of a request, made when something is written to it: of most requests only the request line is written. */
export const requestLog = (logger: FastifyBaseLogger, ...bindings: Bindings): FastifyBaseLogger =>
  // Its lines have fewer forms than pino's.
  new LazyLog(logger, bindings) as FastifyBaseLogger
