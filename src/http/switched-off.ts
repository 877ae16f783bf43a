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
  const known: { methods: readonly string[]; url: string }[] = []
  return {
    remaining: (routes, prefix) => (app, options) =>
      routes(
        {
          route(route) {
            if (!operationIn(route.config).switches.some(name => switches.includes(name))) return app.route(route)
            const methods = [route.method].flat()
            known.push({
              methods: methods.includes('GET') ? [...methods, 'HEAD'] : methods,
              url: prefix + route.url
            })
            return undefined
          }
        },
        options
      ),
    has: (method, path) => known.some(({ methods, url }) => methods.includes(method) && isPathOf(url, path))
  }
}

/** Is this a path of a URL with parameters, and with a wildcard at its end? */
const isPathOf = (url: string, path: string): boolean => {
  const parts = url.split('/')
  const given = path.split('/')
  const isWild = parts.at(-1) === '*'
  if (isWild ? given.length < parts.length : given.length !== parts.length) return false
  return (isWild ? parts.slice(0, -1) : parts).every((part, place) =>
    part.startsWith(':') ? given[place] !== '' : given[place] === part
  )
}
