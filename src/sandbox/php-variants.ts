type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
const isMap = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !isList(value)

/**
 * Changes every value below the top level, innermost first. A `result`, `code` or `action` that is no map stays: these
 * distinguish success from failure.
 */
const everywhere =
  (change: (value: Json, key: string) => Json) =>
  (reply: JsonObject): JsonObject => {
    const changeDeep = (value: Json, key: string): Json => {
      if (isList(value))
        return change(
          value.map(item => changeDeep(item, '')),
          key
        )
      if (isMap(value)) return change(mapValues(value, changeDeep), key)
      return change(value, key)
    }
    return mapValues(reply, (value, key) =>
      /^(result|code|action)$/.test(key) && !isMap(value) ? value : changeDeep(value, key)
    )
  }

const mapValues = (map: JsonObject, change: (value: Json, key: string) => Json): JsonObject =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]))

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** Other ways in which PHP may print the same reply. */
const variants = {
  'ints-as-strings': everywhere(value => (Number.isInteger(value) ? String(value) : value)),
  'money-as-strings': everywhere((value, key) =>
    key.startsWith('monthly_') && typeof value === 'number' ? value.toFixed(2) : value
  ),
  'empty-map-as-list': everywhere(value => (isMap(value) && Object.keys(value).length === 0 ? [] : value)),
  'list-as-numeric-object': everywhere(value =>
    isList(value) && value.length > 0 ? Object.fromEntries(value.map((item, i) => [String(i + 1), item])) : value
  ),
  'single-instead-of-list': everywhere(value => (isList(value) && value.length === 1 ? (value[0] ?? null) : value)),
  'locations-as-comma-string': everywhere((value, key) =>
    key === 'locations' && isList(value) ? value.join(',') : value
  ),
  'null-lists': everywhere(value => (isList(value) && value.length === 0 ? null : value)),
  'extra-fields': (reply: JsonObject) => {
    const extra = { x_new: 'field', x_more: { deep: [1] } }
    return { ...everywhere(value => (isMap(value) ? { ...value, ...extra } : value))(reply), ...extra }
  },
  'code-as-string': (reply: JsonObject) =>
    mapValues(reply, (value, key) =>
      /^(code|result)$/.test(key) && typeof value === 'number' ? String(value) : value
    ),
  'sql-dates': everywhere(value =>
    typeof value === 'string' && INSTANT.test(value) ? value.replace('T', ' ').replace('Z', '') : value
  ),
  'zero-dates': everywhere(value => (typeof value === 'string' && INSTANT.test(value) ? '0000-00-00 00:00:00' : value))
} satisfies Record<string, (reply: JsonObject) => JsonObject>

export type VariantKind = keyof typeof variants

export const variantKinds = Object.keys(variants)

export const isVariant = (kind: string): kind is VariantKind => Object.hasOwn(variants, kind)

/** The reply as these variants print it. */
export const applyVariants = (
  kinds: readonly VariantKind[],
  reply: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> =>
  // The cast is safe: rules build a reply from strings, numbers, booleans, null, lists and maps.
  kinds.reduce<JsonObject>((printed, kind) => variants[kind](printed), reply as JsonObject)
