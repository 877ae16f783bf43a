import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'

/** A schema that is a named component of openapi.yaml. */
export type Model<T extends TSchema = TSchema> = T & { $id: string; description: string }

export const isModel = (value: unknown): value is Model => typeof value === 'object' && value !== null && '$id' in value

/** A named object of the contract: no unknown members, described, and a component of openapi.yaml under `name`. */
export const model = <P extends TProperties>(
  name: string,
  description: string,
  properties: P,
  options: { minProperties?: number; maxProperties?: number; examples?: [Static<TObject<P>>] } = {}
): Model<TObject<P>> =>
  // The options carry $id and description; TypeBox keeps them on the schema but not in its type.
  Type.Object(properties, { $id: name, description, additionalProperties: false, ...options }) as Model<TObject<P>>

/** A typed `$ref` to a model: the document stays small and the type stays known. */
export const ref = <T extends TSchema>(to: Model<T>) => Type.Unsafe<Static<T>>(Type.Ref(`${to.$id}#`))

/** A copy of `schema` with these annotations. */
export const annotate = <S extends TSchema>(schema: S, annotations: object): S =>
  // TypeBox keeps the kind of a schema in a hidden property, which a spread would lose.
  Object.assign(Object.create(Object.prototype, Object.getOwnPropertyDescriptors(schema)), annotations)

/** A copy of `schema` with the description that holds in this place. */
export const describe = <S extends TSchema>(schema: S, description: string): S => annotate(schema, { description })

/** One of `words`. The explicit `type` makes the document say "string" beside the list. */
export const oneOf = <const W extends string[]>(
  words: W,
  options: { description?: string; default?: W[number]; 'x-enum-varnames'?: string[] } = {}
) => Type.Enum(words, { type: 'string', ...options })
