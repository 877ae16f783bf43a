/** What can keep a store from its work: a label of metrics and logs. */
export const storeCauses = [
  'no-answer',
  'authentication',
  'permission',
  'tls',
  'sentinel',
  'read-only',
  'out-of-memory',
  'disk',
  'loading',
  'cluster',
  'too-many-clients',
  'unsupported',
  'eviction',
  'no-append-only-file',
  'locked',
  'corrupt',
  'folder',
  'newer-version',
  'other'
] as const

export type StoreCause = (typeof storeCauses)[number]

/** The parts of the gateway that need a store: sessions and limits, the order ledger, and jobs. */
export const storeParts = ['store', 'ledger', 'jobs'] as const

export type StorePart = (typeof storeParts)[number]

/** Why a store cannot do its work. */
export interface StoreFault {
  readonly cause: StoreCause
  /** The code of the error, such as `ECONNREFUSED`, `OOM` or `SQLITE_FULL`. */
  readonly code: string
  /** What is wrong, and what to do. It holds no secret. */
  readonly detail: string
}

/** Does the store answer nothing at all? Otherwise it answers, and refuses a part of its work. */
export const isUnavailable = (cause: StoreCause): boolean =>
  ['no-answer', 'authentication', 'tls', 'sentinel', 'read-only', 'loading', 'locked', 'folder'].includes(cause)

/** Called when a store becomes faulty or its fault changes, and with undefined when it does its work again. */
export type ReportFault = (fault: StoreFault | undefined) => void

/** Reports each cause once, until all is well again: two causes that alternate do not fill the log. */
export const reportOnce = (report: ReportFault): ReportFault => {
  const reported = new Set<StoreCause>()
  return fault => {
    if (fault === undefined) {
      if (reported.size > 0) report(undefined)
      reported.clear()
    } else if (!reported.has(fault.cause)) {
      reported.add(fault.cause)
      report(fault)
    }
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What to do, by the first word of an error that Redis replies. */
const REPLIES: Readonly<Record<string, readonly [StoreCause, string]>> = {
  OOM: ['out-of-memory', 'it is out of memory: raise maxmemory, or remove what else is in it'],
  NOPERM: [
    'permission',
    'its ACL user lacks a permission: see docs/how-to/run-several-replicas.md for a user that works'
  ],
  NOAUTH: ['authentication', 'it asks for a password: set REDIS_PASSWORD'],
  WRONGPASS: ['authentication', 'it refuses the user or the password: check REDIS_USERNAME and REDIS_PASSWORD'],
  DENIED: ['authentication', 'it is in protected mode: give it a password, or let it listen where the gateway is'],
  READONLY: ['read-only', 'it is a read-only replica: name the master, or use REDIS_SENTINELS'],
  MASTERDOWN: ['read-only', 'it is a replica that has lost its master: name the master, or use REDIS_SENTINELS'],
  NOREPLICAS: ['read-only', 'it refuses writes because it has too few replicas (min-replicas-to-write)'],
  MISCONF: ['disk', 'it cannot write its data to disk: make room, or check its log'],
  MOVED: [
    'cluster',
    'it is a Redis Cluster, which the gateway does not support: use a single Redis, or REDIS_SENTINELS'
  ],
  LOADING: ['loading', 'it is loading its data: wait'],
  BUSY: ['no-answer', 'it is busy with a script of another program: end that script'],
  MAXCLIENTS: ['too-many-clients', 'it has too many clients: raise maxclients'],
  UNSUPPORTED: ['unsupported', 'it does not know a command: Redis 6.2 or later is needed, and no renamed commands']
}
const SAME: Readonly<Record<string, string>> = {
  ASK: 'MOVED',
  CLUSTERDOWN: 'MOVED',
  CROSSSLOT: 'MOVED',
  TRYAGAIN: 'MOVED'
}

/** Older versions hide the word of an error in a script, or have none. */
const replyCodeOf = (text: string): string => {
  if (/ACL failure|executing the script can't|has no permissions/i.test(text)) return 'NOPERM'
  if (/max number of clients/i.test(text)) return 'MAXCLIENTS'
  if (/unknown command|syntax error|wrong number of arguments/i.test(text)) return 'UNSUPPORTED'
  if (/invalid password/i.test(text)) return 'WRONGPASS'
  if (/without any password configured/i.test(text)) return 'WRONGPASS'
  return text.split(/\W+/).find(word => Object.hasOwn(REPLIES, word) || Object.hasOwn(SAME, word)) ?? ''
}

const TLS = /CERT|^ERR_(TLS|SSL)|UNABLE_TO_|^EPROTO$|HOSTNAME_MISMATCH/

const TLS_ADVICE: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on this port: use its TLS port, or redis://',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it asks for a certificate: set REDIS_CERT_FILE and REDIS_KEY_FILE'
}

/** The client found no sentinel that names a master. */
export const isSentinelError = (error: unknown): boolean => /sentinel/i.test(messageOf(error))

/** @param where the Redis, such as `Redis at cache.example:6379` */
export const explainRedisError = (error: unknown, where: string): StoreFault => {
  const text = messageOf(error)
  const code = codeOf(error)
  if (TLS.test(code)) {
    const advice = TLS_ADVICE[code] ?? 'check REDIS_CA_FILE, the name in its certificate, and the date'
    return { cause: 'tls', code, detail: `${where} has no TLS connection (${code}): ${advice}.` }
  }
  if (isSentinelError(error)) {
    const detail = `No sentinel names a master of ${where}: check REDIS_SENTINELS, REDIS_SENTINEL_MASTER and REDIS_SENTINEL_PASSWORD.`
    return { cause: 'sentinel', code: 'SENTINEL', detail }
  }
  let word = replyCodeOf(text)
  const reply = REPLIES[SAME[word] ?? word]
  // Redis names the command, but not the key.
  const command = word === 'NOPERM' ? /'([a-z|_-]+)' command/i.exec(text)?.[1] : undefined
  if (command) word = `NOPERM ${command}`
  if (reply) return { cause: reply[0], code: word, detail: `${where} cannot be used (${word}): ${reply[1]}.` }
  if (error instanceof Error && error.name === 'ReplyError') {
    return {
      cause: 'other',
      code: /^[A-Z]+/.exec(text)?.[0] ?? 'ERR',
      detail: `${where} refuses a command: ${text.slice(0, 200)}`
    }
  }
  const reason = code === '' ? text : code
  return {
    cause: 'no-answer',
    code: code === '' ? 'NO_ANSWER' : code,
    detail: `${where} does not answer (${reason}): check that it runs and that its address is right${
      where.endsWith('TLS') ? ', that it speaks TLS there, and whether it asks for REDIS_CERT' : ''
    }.`
  }
}

/** Primary result codes of SQLite: https://www.sqlite.org/rescode.html */
const SQLITE: Readonly<Record<number, readonly [name: string, StoreCause, string]>> = {
  3: ['SQLITE_PERM', 'folder', 'check who may write to the folder'],
  5: ['SQLITE_BUSY', 'locked', 'another process keeps it locked: end that process'],
  6: ['SQLITE_LOCKED', 'locked', 'another process keeps it locked: end that process'],
  8: ['SQLITE_READONLY', 'read-only', 'it is read-only: check who may write to the file and its folder'],
  10: ['SQLITE_IOERR', 'disk', 'the disk has an error or is full: check it'],
  11: ['SQLITE_CORRUPT', 'corrupt', 'it is damaged: restore a backup; see docs/how-to/run-several-replicas.md'],
  13: ['SQLITE_FULL', 'disk', 'the disk is full: make room'],
  14: ['SQLITE_CANTOPEN', 'folder', 'it cannot be opened: check the folder that DATA_DIR names'],
  26: ['SQLITE_NOTADB', 'corrupt', 'it is no SQLite file: restore a backup, or set another DATA_DIR']
}

/** What to do about an error of the file system. */
const FILES: Readonly<Record<string, readonly [StoreCause, string]>> = {
  ENOSPC: ['disk', 'the disk is full: make room'],
  EDQUOT: ['disk', 'the quota of the disk is used up: make room'],
  EROFS: ['read-only', 'the file system is read-only: set DATA_DIR to a folder that can be written'],
  EIO: ['disk', 'the disk has an error: check it']
}

/** @param path the file of the store */
export const explainSqliteError = (error: unknown, path: string): StoreFault => {
  const found = error instanceof Error && 'errcode' in error ? SQLITE[Number(error.errcode) & 0xff] : undefined
  if (found) {
    const [code, cause, advice] = found
    return { cause, code, detail: `The SQLite file ${path} cannot be used (${code}): ${advice}.` }
  }
  const code = codeOf(error)
  const [cause, advice] = FILES[code] ?? ['folder', 'set DATA_DIR to a folder that the gateway can write to']
  if (/^E[A-Z]+$/.test(code))
    return { cause, code, detail: `The folder of ${path} cannot be used (${code}): ${advice}.` }
  return {
    cause: 'other',
    code: code || 'SQLITE',
    detail: `The SQLite file ${path} cannot be used: ${messageOf(error)}.`
  }
}
