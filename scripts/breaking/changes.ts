/** A JSON value, or a part of one that is not there. */
type Json = unknown
type Members = Readonly<Record<string, Json>>

const membersOf = (value: Json): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [])
const textsOf = (value: Json): string[] => listOf(value).map(String)

/** Schemas may refer to themselves; deeper members are compared where they are declared. */
const MAX_DEPTH = 12

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

/**
 * What a caller written for one document may fail on with another: an operation, a parameter, a reply or a member of a reply
 * that is gone or has another type; a parameter or a member of a request that is new and required; a value that is no longer
 * accepted. A new problem, operation, optional member or status is none: callers must expect them.
 */
export const breakingChanges = (before: Json, after: Json): string[] => {
  const found: string[] = []
  const report = (at: string, what: string) => found.push(`${at}: ${what}`)
  const resolve = (document: Json, value: Json): Members => {
    const { $ref } = membersOf(value)
    if (typeof $ref !== 'string') return membersOf(value)
    const target = $ref
      .slice(2)
      .split('/')
      .reduce<Json>((part, name) => membersOf(part)[name.replaceAll('~1', '/').replaceAll('~0', '~')], document)
    return resolve(document, target)
  }

  const compareSchema = (at: string, old: Json, now: Json, direction: 'request' | 'reply', depth = 0): void => {
    if (depth > MAX_DEPTH) return
    const [a, b] = [resolve(before, old), resolve(after, now)]
    const [types, newTypes] = [a, b].map(({ type }) => [type].flat().map(String).sort().join())
    if (a['type'] !== undefined && types !== newTypes) return void report(at, `type ${types} is now ${newTypes}`)
    const [values, newValues] = [textsOf(a['enum']), textsOf(b['enum'])]
    if (direction === 'request' && newValues.length > 0) {
      for (const value of values) if (!newValues.includes(value)) report(at, `${value} is no longer accepted`)
    }
    const [properties, newProperties] = [membersOf(a['properties']), membersOf(b['properties'])]
    const [required, newRequired] = [textsOf(a['required']), textsOf(b['required'])]
    for (const [name, schema] of Object.entries(properties)) {
      if (newProperties[name] === undefined) report(`${at}/${name}`, 'is gone')
      else compareSchema(`${at}/${name}`, schema, newProperties[name], direction, depth + 1)
      if (direction === 'reply' && required.includes(name) && !newRequired.includes(name) && newProperties[name]) {
        report(`${at}/${name}`, 'may be absent')
      }
    }
    if (direction === 'request') {
      for (const name of newRequired) if (!required.includes(name)) report(`${at}/${name}`, 'is required')
    }
    if (a['items'] !== undefined) compareSchema(`${at}/*`, a['items'], b['items'], direction, depth + 1)
    for (const kind of ['oneOf', 'anyOf', 'allOf']) {
      const [alternatives, newAlternatives] = [listOf(a[kind]), listOf(b[kind])]
      for (const [index, each] of alternatives.entries()) {
        if (index < newAlternatives.length) {
          compareSchema(`${at}/${kind}/${index}`, each, newAlternatives[index], direction, depth + 1)
        } else if (direction === 'request') report(`${at}/${kind}/${index}`, 'is gone')
      }
    }
  }

  const compareContent = (at: string, old: Json, now: Json, direction: 'request' | 'reply') => {
    for (const [type, media] of Object.entries(membersOf(old))) {
      // A problem has one schema, which is compared where it is declared.
      if (type === 'application/problem+json') continue
      const other = membersOf(now)[type]
      if (other === undefined) report(`${at} ${type}`, 'is gone')
      else compareSchema(`${at} ${direction}`, membersOf(media)['schema'], membersOf(other)['schema'], direction)
    }
  }

  const compareOperation = (at: string, old: Members, now: Members) => {
    const keyOf = (parameter: Members) => `${parameter['in']} ${parameter['name']}`
    const parameters = listOf(old['parameters']).map(each => resolve(before, each))
    const newParameters = new Map(
      listOf(now['parameters'])
        .map(each => resolve(after, each))
        .map(each => [keyOf(each), each])
    )
    for (const parameter of parameters) {
      const other = newParameters.get(keyOf(parameter))
      if (!other) report(at, `${keyOf(parameter)} is gone`)
      else {
        if (other['required'] === true && parameter['required'] !== true) report(at, `${keyOf(parameter)} is required`)
        compareSchema(`${at} ${keyOf(parameter)}`, parameter['schema'], other['schema'], 'request')
      }
    }
    const known = new Set(parameters.map(keyOf))
    for (const [key, { required }] of newParameters)
      if (required === true && !known.has(key)) report(at, `${key} is required`)
    const [body, newBody] = [resolve(before, old['requestBody']), resolve(after, now['requestBody'])]
    if (newBody['required'] === true && body['required'] !== true) report(at, 'a body is required')
    compareContent(at, body['content'], newBody['content'], 'request')
    const replies = membersOf(now['responses'])
    for (const [status, reply] of Object.entries(membersOf(old['responses']))) {
      if (!status.startsWith('2')) continue
      if (replies[status] === undefined) report(at, `${status} is gone`)
      else
        compareContent(
          `${at} ${status}`,
          resolve(before, reply)['content'],
          resolve(after, replies[status])['content'],
          'reply'
        )
    }
    if (now['x-required-scope'] !== old['x-required-scope'] && now['x-required-scope'] !== 'none') {
      report(at, `needs the scope ${now['x-required-scope']}`)
    }
  }

  const paths = membersOf(membersOf(after)['paths'])
  for (const [path, operations] of Object.entries(membersOf(membersOf(before)['paths']))) {
    for (const method of METHODS) {
      const old = membersOf(operations)[method]
      if (old === undefined) continue
      const now = membersOf(paths[path])[method]
      if (now === undefined) report(`${method} ${path}`, 'is gone')
      else compareOperation(`${method} ${path}`, membersOf(old), membersOf(now))
    }
  }
  return [...new Set(found)]
}
