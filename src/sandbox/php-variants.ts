type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
const isMap = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !isList(value)

/** Changes every value below the top, innermost first; `result`, `code` and `action` stay, for they tell success from failure. */
const everywhere =
  (change: (value: Json, key: string) => Json) =>
  (answer: JsonObject): JsonObject => {
    const walked = (value: Json, key: string): Json => {
      if (isList(value))
        return change(
          value.map(item => walked(item, '')),
          key
        )
      if (isMap(value)) return change(mapped(value, walked), key)
      return change(value, key)
    }
    return mapped(answer, (value, key) =>
      /^(result|code|action)$/.test(key) && !isMap(value) ? value : walked(value, key)
    )
  }

const mapped = (map: JsonObject, change: (value: Json, key: string) => Json): JsonObject =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]))

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** Ways in which PHP prints the same answer differently. */
const quirks = {
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
  'extra-fields': (answer: JsonObject) => {
    const extra = { x_new: 'field', x_more: { deep: [1] } }
    return { ...everywhere(value => (isMap(value) ? { ...value, ...extra } : value))(answer), ...extra }
  },
  'code-as-string': (answer: JsonObject) =>
    mapped(answer, (value, key) => (/^(code|result)$/.test(key) && typeof value === 'number' ? String(value) : value)),
  'sql-dates': everywhere(value =>
    typeof value === 'string' && INSTANT.test(value) ? value.replace('T', ' ').replace('Z', '') : value
  ),
  'zero-dates': everywhere(value => (typeof value === 'string' && INSTANT.test(value) ? '0000-00-00 00:00:00' : value))
} satisfies Record<string, (answer: JsonObject) => JsonObject>

export type QuirkKind = keyof typeof quirks

export const isQuirk = (kind: string): kind is QuirkKind => Object.hasOwn(quirks, kind)

/** The answer as these quirks print it. */
export const printedWith = (
  kinds: readonly QuirkKind[],
  answer: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> =>
  // An answer is made of what JSON can say: rules build it from text, numbers, lists and maps.
  kinds.reduce<JsonObject>((printed, kind) => quirks[kind](printed), answer as JsonObject)
