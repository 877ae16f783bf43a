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

/** Fastify's own serialisers, each compiled when the first reply is written. */
export const lazySerializers: NonNullable<Compilers['buildSerializer']> = (schemas, options) => {
  const compile = SerializerSelector()(schemas, options)
  return route => {
    let serialize: ReturnType<typeof compile> | undefined
    return data => {
      serialize ??= compile(route)
      return serialize(data)
    }
  }
}
