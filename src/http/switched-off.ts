import { operationIn, type Switch } from './operation.ts'
import type { Routes } from './route.ts'

/** The operations that the operator has switched off. */
export interface SwitchedOff {
  /** The same routes without them. */
  remaining<Options>(routes: Routes<Options>, prefix: string): Routes<Options>
  /** Is this the method and the path of one? */
  has(method: string, path: string): boolean
}

/**
 * Leaves out the operations of some switches: they have no route and are not in the document. Callers who know them are
 * told why, which 404 and 405 would not.
 */
export const createSwitchedOff = (switches: readonly Switch[]): SwitchedOff => {
  const known: { methods: readonly string[]; pattern: RegExp }[] = []
  return {
    remaining: (routes, prefix) => (app, options) =>
      routes(
        {
          route(route) {
            if (!operationIn(route.config).switches.some(name => switches.includes(name))) return app.route(route)
            const methods = [route.method].flat()
            known.push({
              methods: methods.includes('GET') ? [...methods, 'HEAD'] : methods,
              pattern: patternOf(prefix + route.url)
            })
            return undefined
          }
        },
        options
      ),
    has: (method, path) => known.some(({ methods, pattern }) => methods.includes(method) && pattern.test(path))
  }
}

/** The paths of a URL with parameters, and with a wildcard at its end. */
const patternOf = (url: string): RegExp => {
  const escaped = url.replaceAll('.', '\\.')
  return new RegExp(`^${escaped.replaceAll(/:\w+/g, '[^/]+').replace(/\*$/, '.*')}$`, 's')
}
