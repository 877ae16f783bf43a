import fc from 'fast-check'
import { type Document, type Operation, operationsOf } from './document.ts'
import { bytesOf, hostileBody, hostileJson, hostileName, hostileText } from './hostile.ts'
import { type Dictionary, someOf, valueFor } from './values.ts'

/** The credential: of a customer of the sandbox by bearer token or by cookie, a token made from that of the demo, none, or any `text`. */
export type Credential = { bearer: string } | { cookie: string } | { text: string } | null

/** One request as it is sent; plain JSON, so that it can be stored in a file. */
export interface FuzzRequest {
  operationId: string
  method: string
  /** ASCII. */
  target: string
  headers: Record<string, string>
  as: Credential
  /** Each character is one byte. */
  body?: string
  /** What the path and the query name, if that is certain. */
  meant: Record<string, string>
}

/** How a text is encoded for a URL. Only `once` is correct. */
type Encoding = 'once' | 'twice' | 'raw' | 'lower'

interface Piece {
  text: string
  encoding: Encoding
}

/** A request in parts, so that each part can be corrupted. */
interface Draft {
  operation: Operation
  method: string
  path: Map<string, Piece>
  query: { name: Piece; value: Piece }[]
  headers: Map<string, string>
  as: Credential
  /** Members with their JSON, so that a name can be repeated; a text when the body is no object. */
  body: [string, string][] | string | undefined
  tail: string
}

type Spoil = (draft: Draft) => void

/** Requests to every operation of a document: valid, with one fault, and with many. */
export const requestsTo = (document: Document, dictionary: Dictionary): fc.Arbitrary<FuzzRequest> => {
  const operations = operationsOf(document)
  const drafts = operations.map(operation => {
    // The events of a job that has not ended would never end.
    const jobId = dictionary['endedJobId'] ?? []
    const known = operation.operationId === 'streamJobEvents' ? { ...dictionary, jobId } : dictionary
    const arbitrary = draftOf(operation, document, known)
    // Operations that end a session or list up to 1,000 files are sent less often than fast and repeatable ones.
    return {
      weight: /^deleteSession|^deleteToken$|^listFiles$|^deleteAccount$/.test(operation.operationId) ? 1 : 4,
      arbitrary
    }
  })
  const spoilt = fc.oneof(
    { weight: 35, arbitrary: fc.constant([]) },
    { weight: 40, arbitrary: spoil.map(each => [each]) },
    { weight: 25, arbitrary: fc.array(spoil, { minLength: 2, maxLength: 6 }) }
  )
  return fc.tuple(fc.oneof(...drafts), spoilt).map(([make, spoils]) => {
    const draft = make()
    for (const spoil of spoils) spoil(draft)
    return rendered(draft)
  })
}

const credential: fc.Arbitrary<Credential> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ bearer: 'demo' }) },
  { weight: 2, arbitrary: fc.constantFrom({ bearer: 'admin' }, { bearer: 'other' }, { bearer: 'storage-only' }) },
  { weight: 3, arbitrary: fc.constantFrom({ bearer: 'wide' }, { bearer: 'narrow' }) },
  { weight: 3, arbitrary: fc.constant({ cookie: 'demo' }) }
)

const once = (text: string): Piece => ({ text, encoding: 'once' })

/** A request that the document allows. A function, because corrupting changes its result. */
const draftOf = (operation: Operation, document: Document, dictionary: Dictionary): fc.Arbitrary<() => Draft> => {
  const { operationId, parameters, body } = operation
  const textsIn = (place: string) =>
    someOf(
      parameters
        .filter(each => each.in === place)
        .map(({ name, schema, required = false }) => ({
          name,
          required,
          arbitrary: valueFor(name, schema, document, dictionary).map(String)
        }))
    )
  return fc
    .record({
      path: textsIn('path'),
      query: textsIn('query'),
      headers: textsIn('header'),
      as: operationId === 'createSession' ? fc.constant(null) : credential,
      body: body ? valueFor('body', body, document, dictionary) : fc.constant(undefined),
      confirms: fc.integer({ min: 0, max: 7 }).map(n => n > 0)
    })
    .map(({ path, query, headers, as, body, confirms }) => () => ({
      operation,
      method: operation.method,
      path: new Map(Object.entries(path).map(([name, text]) => [name, once(text)])),
      query: Object.entries(query).map(([name, text]) => ({ name: once(name), value: once(text) })),
      headers: new Map(
        Object.entries(headers).map(([name, text]) => [
          name,
          name === 'confirm-delete' && confirms ? (path['s3uid'] ?? '') : headerTextOf(text)
        ])
      ),
      as,
      body: body === undefined ? undefined : membersOf(body as object),
      tail: ''
    }))
}

const membersOf = (body: object) =>
  Object.entries(body).map(([name, value]): [string, string] => [name, JSON.stringify(value)])

const encoding = fc.constantFrom<Encoding>('once', 'once', 'once', 'twice', 'raw', 'lower')
const piece: fc.Arbitrary<Piece> = fc.record({ text: hostileText, encoding })
const place = fc.nat({ max: 11 })

/** Characters that Node's parser accepts in a header. */
const headerTextOf = (text: string): string =>
  bytesOf(text)
    .replace(/[^\t -~\x80-\xff]/g, '')
    .slice(0, 4000)

const headerText = hostileText.map(headerTextOf)

const headerNames = [
  ...['accept', 'content-type', 'idempotency-key', 'confirm-delete', 'if-none-match', 'x-csrf', 'x-request-id'],
  ...['cookie', 'authorization', 'origin', 'referer', 'sec-fetch-site', 'x-forwarded-for', 'x-forwarded-host', 'range'],
  ...['x-http-method-override', 'x-original-url', 'traceparent', 'accept-encoding', 'accept-language', 'user-agent'],
  ...['if-match', 'if-modified-since', 'forwarded', 'te', 'prefer', '__proto__', 'constructor']
]

const headerValues: Record<string, readonly string[]> = {
  accept: ['text/html', '*/*;q=0', 'application/json;q=0.1', 'application/problem+json', 'image/*', ',,;'],
  'content-type': [
    ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/json; charset=utf-16'],
    ...['application/json;', 'application/jsonx', 'application/problem+json', 'APPLICATION/JSON']
  ],
  'sec-fetch-site': ['cross-site', 'same-site', 'none', 'same-origin'],
  origin: ['null', 'https://evil.example', 'http://localhost'],
  authorization: [
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'bearer x y',
    'Bearer hks_a_b',
    'Bearer hks_',
    'Bearer hkt_a',
    'Bearer \xff'
  ],
  cookie: [
    '__Host-Http-session=',
    '__Host-Http-session=a.b',
    '__Host-Http-session=%00; __Host-Http-session=x',
    'token=x',
    '=;='
  ]
}

/** One fault. A failing case is shrunk to the first ones. */
const spoil: fc.Arbitrary<Spoil> = fc.oneof(
  weighted(8, fc.tuple(place, piece), ([place, piece]) => draft => {
    const name = [...draft.path.keys()].at(place % Math.max(1, draft.path.size))
    if (name === undefined) draft.tail += `/${encoded(piece)}`
    else draft.path.set(name, piece)
  }),
  weighted(8, fc.tuple(place, piece), ([place, value]) => draft => {
    const declared = draft.operation.parameters.filter(each => each.in === 'query')
    const name = declared[place % Math.max(1, declared.length)]?.name ?? 'limit'
    draft.query = [...draft.query.filter(each => each.name.text !== name), { name: once(name), value }]
  }),
  weighted(3, fc.tuple(hostileName, encoding, piece), ([text, encoding, value]) => draft => {
    draft.query.push({ name: { text, encoding }, value })
  }),
  weighted(2, place, place => draft => {
    const chosen = draft.query[place % Math.max(1, draft.query.length)]
    if (chosen) draft.query.push(chosen)
  }),
  weighted(2, place, place => draft => {
    draft.query.splice(place % Math.max(1, draft.query.length), 1)
  }),
  weighted(8, fc.tuple(place, hostileJson), ([place, json]) => draft => {
    if (!Array.isArray(draft.body)) return
    const member = draft.body[place % Math.max(1, draft.body.length)]
    if (member) member[1] = json
  }),
  weighted(4, fc.tuple(hostileName, hostileJson), ([name, json]) => draft => {
    if (Array.isArray(draft.body)) draft.body.push([name, json])
    else if (draft.operation.method === 'DELETE') draft.body = [[name, json]]
  }),
  weighted(3, place, place => draft => {
    if (Array.isArray(draft.body)) draft.body.splice(place % Math.max(1, draft.body.length), 1)
  }),
  weighted(3, hostileBody, body => draft => {
    if (draft.operation.method !== 'GET') draft.body = body
  }),
  weighted(5, fc.tuple(fc.constantFrom(...headerNames), headerText, place), ([name, text, place]) => draft => {
    const values = headerValues[name] ?? []
    draft.headers.set(name, values[place] ?? text)
  }),
  weighted(2, fc.tuple(place, headerText), ([place, text]) => draft => {
    const name = [...draft.headers.keys()].at(place % Math.max(1, draft.headers.size))
    if (name === undefined) return
    if (place % 2 === 0) draft.headers.delete(name)
    else draft.headers.set(name, text)
  }),
  weighted(2, fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'), method => draft => {
    draft.method = method
  }),
  weighted(
    2,
    fc.constantFrom(
      ...['/', '//', '/.', '/..', ';a=b', '%', '%zz', '%00', '%FF', '?', '?&', '&&', '?=', '/%2e%2e/', '#x', '.json']
    ),
    tail => draft => {
      draft.tail += tail
    }
  ),
  weighted(
    3,
    fc.oneof(
      fc.constantFrom<Credential>(null, { cookie: 'forged' }, { bearer: 'two-factor' }),
      headerText.map(text => ({ text }))
    ),
    as => draft => {
      draft.as = as
    }
  )
)

function weighted<T>(weight: number, values: fc.Arbitrary<T>, toSpoil: (value: T) => Spoil) {
  return { weight, arbitrary: values.map(toSpoil) }
}

/** Always ASCII: other characters are encoded even where they should be raw. */
const encoded = ({ text, encoding }: Piece): string => {
  const right = encodeURIComponent(text.toWellFormed())
  if (encoding === 'once') return text.isWellFormed() ? right : halved(text)
  if (encoding === 'twice') return encodeURIComponent(right)
  if (encoding === 'lower') return right.replace(/%[0-9A-F]{2}/g, hex => hex.toLowerCase())
  return text.toWellFormed().replace(/[^!-~]/gu, character => encodeURIComponent(character))
}

/** Half of a surrogate pair as three bytes, which UTF-8 does not allow (CESU-8). */
const halved = (text: string): string =>
  text.replace(/[^!-~]|[%/?#&=+]/gu, character => {
    if (character.isWellFormed()) return encodeURIComponent(character)
    const code = character.charCodeAt(0)
    return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
      .map(byte => `%${byte.toString(16).toUpperCase()}`)
      .join('')
  })

const rendered = ({ operation, method, path, query, headers, as, body, tail }: Draft): FuzzRequest => {
  const meant: Record<string, string> = {}
  const note = (name: string, { text, encoding }: Piece) => {
    if (encoding === 'once' && text.isWellFormed() && tail === '') meant[name] = text
  }
  const target = operation.template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = path.get(name) ?? once('')
    note(name, value)
    // The slashes of a file path may be encoded or not.
    return name === 'path' ? encoded(value).replaceAll('%2F', '/') : encoded(value)
  })
  for (const { name, value } of query) note(name.text, value)
  const text = query.map(({ name, value }) => `${encoded(name)}=${encoded(value)}`).join('&')
  const sent = Object.fromEntries(headers)
  const bytes = Array.isArray(body)
    ? bytesOf(`{${body.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`)
    : body
  return {
    operationId: operation.operationId,
    method,
    target: `${target}${text === '' ? '' : `?${text}`}${tail}`,
    headers: bytes === undefined ? sent : { 'content-type': 'application/json', ...sent },
    as,
    ...(bytes !== undefined && { body: bytes }),
    meant
  }
}
