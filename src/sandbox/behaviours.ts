/** How the sandbox behaves where HOSTKEY's behaviour is undocumented or varies. Each member is one assumption. */
export interface Behaviours {
  /** Reply to an invalid token: `{"result":-2,"error":"Invalid hash"}`, code -2, code -1, or HTTP 401. */
  authFailure: 'invalid-hash' | 'code-2' | 'code-1' | 'http-401'
  /** `info` for a token whose second factor is pending: an authentication failure, or the session with `"2fa":1`. */
  pendingInfo: 'refused' | 'answered'
  /** Where login puts the token: inside `result`, at the top level, or at the top level with `"result":0`. */
  loginShape: 'nested' | 'flat' | 'flatWithResult0'
  /** get_buckets exists, does not exist, or exists and includes the key pair. */
  getBuckets: 'on' | 'absent' | 'withKeys'
  /** get_buckets_rmq replies immediately, by a callback, or by a callback that is never ready. */
  rmq: 'sync' | 'callback' | 'stall'
  /** Seconds of the sandbox's clock until a callback is ready. */
  callbackSeconds: number
  /** The `next_token` of the last page of get_files. */
  nextTokenEnd: 'null' | 'absent' | 'empty' | 'false'
  /** `search` matches any part of the path, or its beginning, or is ignored. */
  searchMode: 'substring' | 'prefix' | 'ignored'
  /** Does `search` ignore case? */
  searchCase: 'insensitive' | 'sensitive'
  /** With `search`: every file that matches, or files and folders by the next slash, as S3 does with a delimiter. */
  searchListing: 'flat' | 'delimited'
  /** Without `search`: the files and folders at the root, or every file and the folders of the page. */
  listing: 'delimited' | 'flat'
  /** What `key` holds; `original_key` is always the path. */
  displayKey: 'path' | 'basename'
  /** `unpaid`: every order is refused and leaves an unpaid order without an account. */
  createOrder: 'normal' | 'unpaid'
  /** How create_bucket prints an empty map of headers. */
  createBucketHeaders: 'map' | 'list'
  /** create_bucket reports failures inside `result: OK`, by a storage status; a number is the status of every reply. */
  hiddenFailure: boolean | number
  /** `on`: a new bucket is named `b<8 hexadecimal digits>-<requested name>`. */
  bucketPrefix: 'off' | 'on'
  /** Number of bucket lists that omit a new bucket. */
  listLag: number
  /** Number of get_users replies that omit a new account. */
  accountLag: number
  /** delete_payment_account and cancel_payment_account_deletion exist, or not: only some editions of the vendor page have them. */
  terminations: 'on' | 'absent'
  /** The Content-Type of every reply. */
  contentType: string
  /** HTTP status of a refusal. */
  refusalStatus: 200 | 400
  /** Compress every reply, whatever the request accepts. */
  gzip: boolean
  /** Print a byte order mark before every reply. */
  bom: boolean
}

/** The behaviours of a new sandbox. */
export const defaultBehaviours = (): Behaviours => ({
  authFailure: 'invalid-hash',
  pendingInfo: 'refused',
  loginShape: 'nested',
  getBuckets: 'on',
  rmq: 'sync',
  callbackSeconds: 1,
  nextTokenEnd: 'null',
  searchMode: 'substring',
  searchCase: 'insensitive',
  searchListing: 'flat',
  listing: 'delimited',
  displayKey: 'path',
  createOrder: 'normal',
  createBucketHeaders: 'map',
  hiddenFailure: false,
  bucketPrefix: 'off',
  listLag: 0,
  accountLag: 0,
  terminations: 'on',
  contentType: 'text/html; charset=UTF-8',
  refusalStatus: 200,
  gzip: false,
  bom: false
})

const allowedValues: { readonly [B in keyof Behaviours]?: readonly Behaviours[B][] } = {
  authFailure: ['invalid-hash', 'code-2', 'code-1', 'http-401'],
  pendingInfo: ['refused', 'answered'],
  loginShape: ['nested', 'flat', 'flatWithResult0'],
  getBuckets: ['on', 'absent', 'withKeys'],
  rmq: ['sync', 'callback', 'stall'],
  nextTokenEnd: ['null', 'absent', 'empty', 'false'],
  searchMode: ['substring', 'prefix', 'ignored'],
  searchCase: ['insensitive', 'sensitive'],
  searchListing: ['flat', 'delimited'],
  listing: ['delimited', 'flat'],
  displayKey: ['path', 'basename'],
  createOrder: ['normal', 'unpaid'],
  createBucketHeaders: ['map', 'list'],
  bucketPrefix: ['off', 'on'],
  terminations: ['on', 'absent'],
  refusalStatus: [200, 400]
}

/**
 * Changes behaviours to requested values.
 * @throws TypeError an unknown name or value: a test with a typing error must fail.
 */
export const setBehaviours = (behaviours: Behaviours, requested: Readonly<Record<string, unknown>>): void => {
  const defaults: Readonly<Record<string, unknown>> = { ...defaultBehaviours() }
  for (const [name, value] of Object.entries(requested)) {
    const allowed = new Map<string, readonly unknown[]>(Object.entries(allowedValues)).get(name)
    const isSameType = typeof value === typeof defaults[name] || (name === 'hiddenFailure' && typeof value === 'number')
    if (!Object.hasOwn(defaults, name) || !isSameType || (allowed && !allowed.includes(value))) {
      throw new TypeError(`no such behaviour: ${name} = ${JSON.stringify(value)}`)
    }
  }
  Object.assign(behaviours, requested)
}
