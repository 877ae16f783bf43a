import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'

/** What a hook does: undefined when it is done, a promise when the request must wait. */
type Act = (request: FastifyRequest, reply: FastifyReply) => undefined | Promise<unknown>

/** A hook that waits only where its work does: most requests pass all hooks in one go. */
export const hookOf =
  (act: Act) =>
  (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const waiting = act(request, reply)
    if (waiting === undefined) done()
    else waiting.then(() => done(), done)
  }

/** Continues with a value that may have to be waited for. */
export const andThen = <T, R>(value: T | Promise<T>, next: (value: T) => R): R | Promise<Awaited<R>> =>
  value instanceof Promise ? (value.then(next) as Promise<Awaited<R>>) : next(value)
