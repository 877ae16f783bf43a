import SerializerSelector from '@fastify/fast-json-stringify-compiler'
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify'

type Validate = ReturnType<FastifySchemaCompiler<unknown>>

/** Compiles the schema of a request when the first one is checked: a start would compile a hundred of them. */
export const lazyValidators = <T>(create: () => FastifySchemaCompiler<T>): FastifySchemaCompiler<T> => {
  let compile: FastifySchemaCompiler<T> | undefined
  return route => {
    let compiled: Validate | undefined
    const validate: Validate = data => {
      compile ??= create()
      compiled ??= compile(route)
      const result = compiled(data)
      // Fastify reads the errors from the function that it was given.
      validate.errors = compiled.errors ?? null
      return result
    }
    return validate
  }
}

type Compilers = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

/**
 * Fastify's own serialisers, each compiled when the first reply is written. The text of a frozen reply is kept with it: it
 * answers many requests.
 */
export const lazySerializers: NonNullable<Compilers['buildSerializer']> = (schemas, options) => {
  const compile = SerializerSelector()(schemas, options)
  return route => {
    let serialize: ReturnType<typeof compile> | undefined
    const texts = new WeakMap<object, string>()
    return data => {
      serialize ??= compile(route)
      if (!isFrozenObject(data)) return serialize(data)
      const text = texts.get(data) ?? serialize(data)
      texts.set(data, text)
      return text
    }
  }
}

const isFrozenObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.isFrozen(value)
