import { Agent, fetch } from 'undici'
import { createContract } from '../assert/contract.ts'
import { gateway, type Reply } from './gateway.ts'
import type { Lifetime } from './lifetime.ts'
import { createRawClient } from './raw.ts'

/** A call to HOSTKEY. */
export interface Seen {
  action: string
  s3uid: string | undefined
  bucket: string | undefined
  path: string | undefined
}

/** The result of one request. */
export interface Witnessed {
  status: number
  /** Name of the problem; undefined for a success. */
  problem: string | undefined
  seen: Seen[]
  /** What the API document does not allow in the reply. */
  undocumented: string[]
}

/** Decides for the character at a position whether it is percent-encoded without need. */
type Coin = (place: number) => boolean

/** Path of the files; the bucket is empty at the start. */
export const FILES = '/accounts/s3_user_1/buckets/empty-bucket/files'

/** The only call that the deletion of this path may cause. */
export const deletionOf = (path: string): Seen => ({
  action: 'delete_file',
  s3uid: 's3_user_1',
  bucket: 'empty-bucket',
  path
})

/** A gateway that receives deletions by raw socket and by `fetch`, and the calls that its upstream receives. */
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
    /** The result of a request that the caller sends itself. */
    witnessed,
    /** Sends the target byte for byte. */
    byRaw: (target: string | Uint8Array) => {
      const line = Buffer.concat([Buffer.from('DELETE '), Buffer.from(target), Buffer.from(' HTTP/1.1')])
      return witnessed(Buffer.from(target).toString(), () => raw.send(line, credential))
    },
    /** Sends the target as `fetch` normalises it. */
    byFetch: (target: string) => {
      const { href, pathname } = new URL(`${new URL(url).origin}${target}`)
      return witnessed(pathname, () => fetched(href))
    }
  }
}

/** Each byte as %xx in lower case. */
const everyByte = (text: string): string => Buffer.from(text).toString('hex').replace(/../g, '%$&')

/** Encodes each segment and keeps the slashes. */
export const bySegment = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** As a form encodes it: a space becomes `+`. */
const asForm = (path: string): string => new URLSearchParams([['', path]]).toString().slice(1)

/** Encodes the characters that need it, and others by the coin. */
const mixed = (needed: RegExp, path: string, coin: Coin): string =>
  [...path].map((char, place) => (needed.test(char) || coin(place) ? everyByte(char) : char)).join('')

const mixedPath = (path: string, coin: Coin) => mixed(/[^!-~]|[%?#]/u, path, coin)
const mixedQuery = (path: string, coin: Coin) => mixed(/[^!-~]|[%&#+]/u, path, coin)

/** A way to name the file of a deletion. */
export interface Way {
  name: string
  by: 'raw' | 'fetch'
  targetOf: (path: string, coin: Coin) => string
  /** Paths that this client changes before it sends them: they must cause no call. */
  loses?: (path: string) => boolean
}

/** All ways that are exact for every path. `fetch` by segment is not: see `file-path-fidelity-table.test.ts`. */
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
    // No encoding protects a dot: `..` is sent as `…/empty-bucket/`, and no server can detect that.
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

/** Does the gateway accept it as a path: 1 to 1024 bytes without NUL? */
export const isFilePath = (path: string): boolean =>
  path !== '' && !path.includes('\0') && Buffer.byteLength(path) <= 1024

/** The path as the name of an assertion, in ASCII: U+2028 would end a line of TAP. */
export const shown = (value: unknown, maxLength = 60): string =>
  JSON.stringify(value)
    .replace(/[^ -~]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .slice(0, maxLength)
