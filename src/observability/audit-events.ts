import { type Static, Type } from 'typebox'

/** The events of the audit log, and the question that each answers. */
export const auditEvents = {
  'audit.opened': 'Where does a chain of lines begin, or continue in a new file?',
  login: 'Who logged in, from where, and who tried?',
  logout: 'Who logged out?',
  'sessions.end': 'Who ended all sessions of a customer?',
  'session.end': 'Who ended one session of a customer?',
  'token.create': 'Who made a token that can do less?',
  'token.delete': 'Who ended such a token?',
  'session.expired':
    'Whose session ended by itself: after 8 hours, with its token, or because HOSTKEY refused the token?',
  'session.evicted': 'Whose oldest session ended because of one login too many?',
  'token.revoked': 'Which token was ended at HOSTKEY?',
  'token.revocation-failed': 'Which token could not be ended at HOSTKEY, and is valid until it expires?',
  'service.refused': 'Who tried a wrong or expired secret of a service?',
  'scope.refused': 'Who tried what the credential does not allow?',
  'admin.filter': 'Who looked at accounts of other customers, with which filters?',
  'limit.reached': 'Who reached which limit, or was locked out of logins?',
  'key.read': 'Who read a key pair?',
  'key.use': 'Who got the URL of an upload or a download?',
  'account.create': 'Who created a free account?',
  'account.replay': 'Who repeated the request of a free account, and got the recorded answer?',
  'account.delete': 'Who deleted an account?',
  'account.terminate': 'Who asked HOSTKEY to end a paid account?',
  'account.keep': 'Who withdrew the end of a paid account?',
  'bucket.create': 'Who created a bucket?',
  'bucket.delete': 'Who deleted a bucket?',
  'file.delete': 'Who deleted a file?',
  'files.delete':
    'Who deleted which files at once, and with what result? A job has one event at its start and one when it ends or pauses; after a crash that one may come twice.',
  'job.resume': 'Who resumed a job?',
  'job.cancel': 'Who cancelled a job?',
  'order.check': 'Who checked an order, without buying?',
  'order.create': 'Who bought what?',
  'order.replay': 'Who repeated the request of an order, and bought nothing?',
  'order.settled': 'Which order did an operator settle by hand?'
} as const

export type AuditEvent = keyof typeof auditEvents

/** Programs that are told apart: what a caller sends is never quoted. */
export const userAgents = [
  'axios',
  'browser',
  'chrome',
  'curl',
  'dart',
  'dotnet',
  'edge',
  'firefox',
  'go',
  'java',
  'node',
  'okhttp',
  'php',
  'postman',
  'powershell',
  'python',
  'ruby',
  'rust',
  'safari',
  'wget',
  'other'
] as const

export type UserAgent = (typeof userAgents)[number]

const text = (maxLength: number, description: string, rest: { pattern?: string } = {}) =>
  Type.Optional(Type.String({ maxLength, description, ...rest }))

const HASH = '^[A-Za-z0-9_-]{43}$'

/** One line of the audit log. */
export const AuditLine = Type.Object(
  {
    level: Type.Literal('info'),
    time: Type.String({ format: 'date-time', description: 'When the event ended.' }),
    log: Type.Literal('audit', { description: 'Tells the line from those of the request log.' }),
    event: Type.Enum(Object.keys(auditEvents) as AuditEvent[], { description: 'What happened.' }),
    outcome: Type.String({
      pattern: '^[a-z0-9-]{1,64}$',
      description: '`ok`, `unknown` while the outcome is open, or the name of the problem.'
    }),
    operation: text(64, '`operationId` of the operation.'),
    requestId: text(64, 'Id of the request, as in its log line.'),
    traceId: text(32, 'Trace of the request, where it is part of one.'),
    authScheme: Type.Optional(
      Type.Enum(['session', 'bearer', 'service', 'token', 'operator'], { description: 'How the caller authenticated.' })
    ),
    caller: text(
      128,
      '`customer:<number>` of a session, `token:<fingerprint>`, `service:<id>`, `hkt:<id>` of a token of the gateway, or `user:<name>` of an operator. Never a credential.'
    ),
    customerId: Type.Optional(Type.Integer({ description: 'Customer of HOSTKEY, where it is known.' })),
    account: text(22, 'The account of a login: a keyed hash of the e-mail address, the API key or the token.'),
    credential: Type.Optional(Type.Enum(['apiKey', 'password', 'token'], { description: 'What was sent to log in.' })),
    token: text(22, 'Fingerprint of the token of HOSTKEY that a logout ends, or that was ended.'),
    ip: text(45, 'Address of the caller.'),
    network: text(43, 'Its network: 24 bits of an IPv4 address, 64 of an IPv6 address.'),
    userAgent: Type.Optional(Type.Enum([...userAgents], { description: 'Family of the caller’s program.' })),
    s3uid: text(4096, 'The account that was named, or created.'),
    orderId: text(64, 'The order.'),
    jobId: text(64, 'The job.'),
    selection: text(4096, 'What a job works on; of a deletion of files: a number of paths, a prefix, or all.'),
    counts: text(128, 'What was done: items by outcome; of a deletion of files `deleted`, `missing` and `failed`.'),
    tokenId: text(22, 'The token of the gateway that was made.'),
    target: text(16_384, 'The part of the account: bucket, file, or kind of key.'),
    scope: text(32, 'The scope that the operation needs, or that the caller lacks.'),
    filters: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { description: 'Filters for administrators.' })),
    subject: text(32, 'The customer that a filter named.'),
    limit: text(32, 'The limit that was reached.'),
    chain: Type.String({ pattern: '^[0-9a-f]{12}$', description: 'The chain: each process has its own.' }),
    seq: Type.Integer({ minimum: 0, description: 'Number of the line in its chain, from 0.' }),
    prev: Type.String({
      pattern: HASH,
      description: '`hash` of the line before it in the chain. In line 0: of the last line that the file had, or zeros.'
    }),
    hash: Type.String({ pattern: HASH, description: 'SHA-256 of the line up to this member, base64url.' })
  },
  { additionalProperties: false, title: 'AuditLine', description: 'One line of the audit log.' }
)

/** What is recorded; the log adds the rest. */
export type AuditRecord = AuditMembers & Pick<Line, 'event' | 'outcome'>

type Line = Static<typeof AuditLine>
type Added = 'level' | 'time' | 'log' | 'chain' | 'seq' | 'prev' | 'hash'

/** The members that an event may have. Undefined ones are left out of the line. */
export type AuditMembers = { [K in Exclude<keyof Line, Added | 'event' | 'outcome'>]?: Line[K] | undefined }
