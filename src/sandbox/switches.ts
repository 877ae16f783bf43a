/** How the sandbox behaves where HOSTKEY's behaviour is unknown. Each is one assumption; the first value is the default. */
export interface Switches {
  /** What a dead token answers: `{"result":-2,"error":"Invalid hash"}`, code -2, code -1, or HTTP 401. */
  authFailure: 'invalid-hash' | 'code-2' | 'code-1' | 'http-401'
  /** What `info` says of a token that waits for its second factor: it is dead, or whose it is with `"2fa":1`. */
  pendingInfo: 'dead' | 'told'
  /** Where login puts the token: in `result`, beside it, or beside `"result":0`. */
  loginShape: 'nested' | 'flat' | 'flatWithResult0'
  /** Does get_buckets exist, and does it print the key pair? */
  getBuckets: 'on' | 'absent' | 'withKeys'
  /** Does get_buckets_rmq answer at once, by callback, or by a callback that is never ready? */
  rmq: 'sync' | 'callback' | 'stall'
  /** Seconds of the sandbox's clock until a callback is ready. */
  callbackSeconds: number
  /** How get_files says that there is no next page. */
  nextTokenEnd: 'null' | 'absent' | 'empty' | 'false'
  /** `search`: a case-insensitive part of the path, listed flat; or S3's prefix, listed by folder. */
  searchMode: 'substring' | 'prefix'
  /** Without `search`: the files at the root and its folders; or every file and the folders on the page. */
  listing: 'delimited' | 'flat'
  /** How `key` spells a path; `original_key` is always the path itself. */
  displayKey: 'path' | 'basename'
  /** `unpaid`: every order is refused, and leaves an unpaid order without an account. */
  createOrder: 'normal' | 'unpaid'
  /** How create_bucket prints its empty map of headers. */
  createBucketHeaders: 'map' | 'list'
  /** create_bucket refuses under `result: OK`: by a storage status of its own (true), or always by the given one. */
  disguised: boolean | number
  /** `on`: a new bucket is named `b<8 hexadecimal digits>-<wished name>`. */
  bucketPrefix: 'off' | 'on'
  /** So many lists of an account do not show a new bucket yet. */
  listLag: number
  /** So many get_users do not show a new account yet. */
  accountLag: number
  /** Do delete_payment_account, cancel_payment_account_deletion and get_available_locations exist? */
  extraActions: 'off' | 'on'
  /** The Content-Type of every answer. */
  contentType: string
  /** `honest`: a refusal comes with HTTP 400 instead of 200. */
  httpStyle: 'always200' | 'honest'
  /** Compress every answer, asked or not. */
  gzip: boolean
  /** Print a byte order mark before every answer. */
  bom: boolean
}

/** What a new sandbox does. */
export const defaultSwitches = (): Switches => ({
  authFailure: 'invalid-hash',
  pendingInfo: 'dead',
  loginShape: 'nested',
  getBuckets: 'on',
  rmq: 'sync',
  callbackSeconds: 1,
  nextTokenEnd: 'null',
  searchMode: 'substring',
  listing: 'delimited',
  displayKey: 'path',
  createOrder: 'normal',
  createBucketHeaders: 'map',
  disguised: false,
  bucketPrefix: 'off',
  listLag: 0,
  accountLag: 0,
  extraActions: 'off',
  contentType: 'text/html; charset=UTF-8',
  httpStyle: 'always200',
  gzip: false,
  bom: false
})

const words: { readonly [S in keyof Switches]?: readonly Switches[S][] } = {
  authFailure: ['invalid-hash', 'code-2', 'code-1', 'http-401'],
  pendingInfo: ['dead', 'told'],
  loginShape: ['nested', 'flat', 'flatWithResult0'],
  getBuckets: ['on', 'absent', 'withKeys'],
  rmq: ['sync', 'callback', 'stall'],
  nextTokenEnd: ['null', 'absent', 'empty', 'false'],
  searchMode: ['substring', 'prefix'],
  listing: ['delimited', 'flat'],
  displayKey: ['path', 'basename'],
  createOrder: ['normal', 'unpaid'],
  createBucketHeaders: ['map', 'list'],
  bucketPrefix: ['off', 'on'],
  extraActions: ['off', 'on'],
  httpStyle: ['always200', 'honest']
}

/**
 * Puts switches that came from outside into place.
 * @throws TypeError an unknown switch or value: a test that mistypes a switch must not pass.
 */
export const setSwitches = (switches: Switches, wanted: Readonly<Record<string, unknown>>): void => {
  const defaults: Readonly<Record<string, unknown>> = { ...defaultSwitches() }
  for (const [name, value] of Object.entries(wanted)) {
    const known = new Map<string, readonly unknown[]>(Object.entries(words)).get(name)
    const sameType = typeof value === typeof defaults[name] || (name === 'disguised' && typeof value === 'number')
    if (!Object.hasOwn(defaults, name) || !sameType || (known && !known.includes(value))) {
      throw new TypeError(`no such switch: ${name} = ${JSON.stringify(value)}`)
    }
  }
  Object.assign(switches, wanted)
}
