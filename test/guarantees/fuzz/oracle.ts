import { problems } from '../../../schemas/problems.ts'
import type { contractOf } from '../../support/assert/contract.ts'
import type { FuzzRequest } from './requests.ts'
import { fieldsIn, type Sent, violationsIn } from './wiretap.ts'

/** A reply of the gateway. */
export interface FuzzReply {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
}

/** The part of the request that each field of a form repeats. */
const NAMED = { s3uid: 's3uid', bucket: 'bucket_name', path: 'filename' } as const

export type Contract = ReturnType<typeof contractOf>

/** A reply of the gateway, over a socket or not. */
export interface FuzzReply {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
}

/** The violations in a reply. @param operation method and target as the gateway read them */
export const replyFaults = (contract: Contract, operation: string, reply: FuzzReply): string[] => [
  ...(reply.statusCode >= 500 ? [`${reply.statusCode}: ${reply.text}`] : []),
  ...contract.violations(operation, reply),
  ...(reply.statusCode >= 400 && !operation.startsWith('HEAD ') ? problemFaults(reply) : [])
]

/** The violations in the calls that a request caused. @param headers of the request, credential included */
export const callFaults = (
  { meant }: FuzzRequest,
  headers: Readonly<Record<string, string>>,
  sent: readonly Sent[]
): string[] => [
  ...sent.flatMap(violationsIn),
  ...sent.flatMap(({ path, form }) => (path === '/s3.php' ? fieldFaults(meant, headers, fieldsIn(form)) : []))
]

/** Every failure is a problem of the catalogue, also on undocumented paths. */
const problemFaults = ({ statusCode, headers, text }: FuzzReply): string[] => {
  if (!/^application\/problem\+json/.test(headers['content-type'] ?? '')) {
    return [`${statusCode} as ${headers['content-type']}: ${text.slice(0, 200)}`]
  }
  const { type, status, title, instance } = JSON.parse(text)
  const name = String(type).split('/').at(-1) ?? ''
  const known = Object.hasOwn(problems, name) ? problems[name as keyof typeof problems] : undefined
  return [
    ...(known?.status === statusCode && status === statusCode && title === known.title
      ? []
      : [`${statusCode}: ${text}`]),
    ...(instance === headers['x-request-id'] ? [] : [`${instance} is not ${headers['x-request-id']}`])
  ]
}

/** The violations in upstream calls: other names than in the request, or the token of another caller. */
const fieldFaults = (
  meant: FuzzRequest['meant'],
  { authorization }: Readonly<Record<string, string>>,
  fields: ReadonlyMap<string, string>
): string[] => {
  const wrong = Object.entries(NAMED)
    .filter(([ours, theirs]) => meant[ours] !== undefined && fields.has(theirs) && meant[ours] !== fields.get(theirs))
    .map(
      ([ours, theirs]) => `${theirs} is ${JSON.stringify(fields.get(theirs))}, meant was ${JSON.stringify(meant[ours])}`
    )
  const shown = /^Bearer +(.*)$/i.exec(authorization ?? '')?.[1]
  if (shown !== undefined && fields.get('token') !== shown) wrong.push('the token is another than the caller’s')
  return wrong
}
