import { Agent, fetch } from 'undici'
import { createContract } from '../assert/contract.ts'
import { gateway, type Reply } from './gateway.ts'
import type { Lifetime } from './lifetime.ts'
import { createRawClient } from './raw.ts'

/** What HOSTKEY was asked to do. */
export interface Seen {
  action: string
  s3uid: string | undefined
  bucket: string | undefined
  path: string | undefined
}

/** What became of one request. */
export interface Witnessed {
  status: number
  /** Name of the problem; undefined when there is none. */
  problem: string | undefined
  seen: Seen[]
  /** What the document does not allow in the reply. */
  undocumented: string[]
}

/** Chooses for the character at a place whether it is encoded though it need not be. */
type Coin = (place: number) => boolean

/** Where the files of the tests lie; the bucket is empty at the start. */
export const FILES = '/accounts/s3_user_1/buckets/empty-bucket/files'

/** The one call that a deletion of the file at this path may cause. */
export const deletionOf = (path: string): Seen => ({
  action: 'delete_file',
  s3uid: 's3_user_1',
  bucket: 'empty-bucket',
  path
})

/** A gateway that is asked for deletions by raw socket and by `fetch`, and what its upstream sees of them. */
export const fileDeletions = async (t: Lifetime, env: Record<string, string> = {}) => {
  const running = await gateway(t, env)
  const { url, sandbox } = running
  const raw = createRawClient(url)
  const dispatcher = new Agent({ connections: 1 })
  const { violations } = await createContract(url)
  const credential = { authorization: `Bearer ${sandbox.demo.token}` }
  t.after(async () => {
    raw.close()
    await dispatcher.close()
  })

  const witnessed = async (target: string, ask: () => Promise<Reply>): Promise<Witnessed> => {
    sandbox.control.clearCalls()
    const reply = await ask()
    const calls = sandbox.control.calls().filter(({ script }) => script === 's3.php')
    return {
      status: reply.statusCode,
      problem: reply.text === '' ? undefined : String(reply.json().type).split('/').at(-1),
      seen: calls.map(({ action, fields }) => ({
        action,
        s3uid: fields['s3uid'],
        bucket: fields['bucket_name'],
        path: fields['filename']
      })),
      undocumented: violations(`DELETE ${target}`, reply)
    }
  }

  const fetched = async (address: string) => {
    const reply = await fetch(address, { method: 'DELETE', headers: credential, dispatcher })
    const text = await reply.text()
    return { statusCode: reply.status, headers: Object.fromEntries(reply.headers), text, json: () => JSON.parse(text) }
  }

  return {
    ...running,
    /** What comes of a request that somebody else sends. */
    witnessed,
    /** The target goes out as it is, bytes and all. */
    byRaw: (target: string | Uint8Array) => {
      const line = Buffer.concat([Buffer.from('DELETE '), Buffer.from(target), Buffer.from(' HTTP/1.1')])
      return witnessed(Buffer.from(target).toString(), () => raw.send(line, credential))
    },
    /** The target goes out as `fetch` rewrites it. */
    byFetch: (target: string) => {
      const { href, pathname } = new URL(`${new URL(url).origin}${target}`)
      return witnessed(pathname, () => fetched(href))
    }
  }
}

/** Each byte as %xx, in lower case. */
const everyByte = (text: string): string => Buffer.from(text).toString('hex').replace(/../g, '%$&')

/** Each segment encoded, its slashes left as they are. */
export const bySegment = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** As a form encodes it: a space becomes `+`. */
const asForm = (path: string): string => new URLSearchParams([['', path]]).toString().slice(1)

/** Encodes what must be, and of the rest what the coin chooses. */
const mixed = (needed: RegExp, path: string, coin: Coin): string =>
  [...path].map((char, place) => (needed.test(char) || coin(place) ? everyByte(char) : char)).join('')

const mixedPath = (path: string, coin: Coin) => mixed(/[^!-~]|[%?#]/u, path, coin)
const mixedQuery = (path: string, coin: Coin) => mixed(/[^!-~]|[%&#+]/u, path, coin)

/** A way to name a file in a deletion. */
export interface Way {
  name: string
  by: 'raw' | 'fetch'
  targetOf: (path: string, coin: Coin) => string
  /** Paths of which this client sends something else than was meant: nothing may come of them. */
  loses?: (path: string) => boolean
}

/** Every way that is exact for every path. A `fetch` by segment is none: see `file-path-fidelity-table.test.ts`. */
export const ways: readonly Way[] = [
  { name: '/files/* encoded as a whole, raw', by: 'raw', targetOf: path => `${FILES}/${encodeURIComponent(path)}` },
  { name: '/files/* encoded by segment, raw', by: 'raw', targetOf: path => `${FILES}/${bySegment(path)}` },
  { name: '/files/* encoded byte by byte, raw', by: 'raw', targetOf: path => `${FILES}/${everyByte(path)}` },
  {
    name: '/files/* encoded here and there, raw',
    by: 'raw',
    targetOf: (path, coin) => `${FILES}/${mixedPath(path, coin)}`
  },
  {
    name: '/files/* encoded as a whole, fetch',
    by: 'fetch',
    targetOf: path => `${FILES}/${encodeURIComponent(path)}`,
    // No encoding protects a dot: `..` goes out as `…/empty-bucket/`, and no server can tell.
    loses: path => path === '.' || path === '..'
  },
  {
    name: '?path= by encodeURIComponent, raw',
    by: 'raw',
    targetOf: path => `${FILES}?path=${encodeURIComponent(path)}`
  },
  { name: '?path= by URLSearchParams, raw', by: 'raw', targetOf: path => `${FILES}?path=${asForm(path)}` },
  {
    name: '?path= encoded here and there, raw',
    by: 'raw',
    targetOf: (path, coin) => `${FILES}?path=${mixedQuery(path, coin)}`
  },
  {
    name: '?path= by encodeURIComponent, fetch',
    by: 'fetch',
    targetOf: path => `${FILES}?path=${encodeURIComponent(path)}`
  },
  { name: '?path= by URLSearchParams, fetch', by: 'fetch', targetOf: path => `${FILES}?path=${asForm(path)}` },
  {
    name: '?path= encoded here and there, fetch',
    by: 'fetch',
    targetOf: (path, coin) => `${FILES}?path=${mixedQuery(path, coin)}`
  }
]

/** Whether the gateway takes it for a path: 1 to 1024 bytes without NUL. */
export const isFilePath = (path: string): boolean =>
  path !== '' && !path.includes('\0') && Buffer.byteLength(path) <= 1024

/** What was tried, as the name of an assertion: a line of TAP ends at U+2028, so ASCII alone stands in it. */
export const shown = (value: unknown, maxLength = 60): string =>
  JSON.stringify(value)
    .replace(/[^ -~]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .slice(0, maxLength)
