import { check, expect, NotChecked } from '../report.ts'
import type { HttpResponse } from '../sender.ts'
import { assertAllowed, type CheckContext, describeStatus } from './context.ts'
import { type DocumentedOperation, jsonIn } from './document.ts'

/** Sends each read operation of the document: with resources of the account, and with its documented example. */
export const checkReads = async (context: CheckContext): Promise<void> => {
  const reads = context.contract
    .operations()
    .filter(({ method }) => method === 'get')
    // Lists first: they find the resources for the others.
    .sort((a, b) => depthOf(a) - depthOf(b))
  for (const documented of reads) {
    const { operationId } = documented.operation
    if (operationId === 'getKey' && !context.options.readKeys) {
      context.report.skip(operationId, 'returns a key: requires --read-keys')
      continue
    }
    await check(context.report, operationId, () => checkRead(context, documented))
    await checkExample(context, documented)
  }
}

const depthOf = ({ path }: DocumentedOperation) => path.split('{').length * 100 + path.length

const checkRead = async (context: CheckContext, documented: DocumentedOperation): Promise<string> => {
  const path = fillPath(documented, valuesOf(context))
  if (path === undefined) throw new NotChecked('the account has no resource for it')
  const response = await context.send({ path, token: tokenFor(context, documented) })
  assertAllowed(response)
  context.contract.assertDocumented(documented, response)
  expect(response.status === 200, `${describeStatus(response)} instead of 200`)
  discover(context, documented.operation.operationId, response)
  const version = await checkVersion(context, documented, path, response)
  return `200 as documented, ${Math.round(response.ms)} ms${version}`
}

/** The documented example may name missing resources: every documented reply below 500 is accepted. */
const checkExample = async (context: CheckContext, documented: DocumentedOperation): Promise<void> => {
  const { operationId } = documented.operation
  const path = fillPath(documented, examplesOf(documented))
  if (path === undefined || !documented.path.includes('{')) return
  await check(context.report, `${operationId} with its example`, async () => {
    const response = await context.send({ path, token: tokenFor(context, documented) })
    assertAllowed(response)
    context.contract.assertDocumented(documented, response)
    expect(response.status < 500, `status ${response.status}`)
    return `${response.status} as documented`
  })
}

/** Public operations are called without the credential. */
const tokenFor = ({ options }: CheckContext, { isOpen }: DocumentedOperation) => (isOpen ? null : options.token)

type Values = Readonly<Record<string, string | undefined>>

const valuesOf = ({ discovered }: CheckContext): Values => ({
  s3uid: discovered.s3uid,
  bucket: discovered.buckets[0],
  planId: discovered.planId,
  kind: 'access-key',
  name: 'invalid-token'
})

const examplesOf = ({ parameters }: DocumentedOperation): Values =>
  Object.fromEntries(
    parameters
      .filter(parameter => parameter.in === 'path' && parameter.example !== undefined)
      .map(({ name, example }) => [name, String(example)])
  )

/** The path with its parameters; undefined when a value is missing. */
const fillPath = ({ path }: DocumentedOperation, values: Values): string | undefined => {
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(match => match[1] ?? '')
  if (names.some(name => values[name] === undefined)) return undefined
  return path.slice(1).replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}

/** `If-None-Match` with the current ETag returns 304 (RFC 9110, section 13). */
const checkVersion = async (
  context: CheckContext,
  documented: DocumentedOperation,
  path: string,
  first: HttpResponse
): Promise<string> => {
  const cache = first.headers['cache-control']
  const { etag } = first.headers
  if (!context.contract.replyOf(documented, 200)?.reply.headers?.['ETag']) {
    expect(etag === undefined && cache === 'no-store', 'a reply without ETag is not no-store')
    return ''
  }
  expect(etag !== undefined, 'lacks the documented ETag')
  expect(cache?.startsWith('private, ') ?? false, 'Cache-Control is not private')
  const again = await context.send({ path, headers: { 'if-none-match': etag } })
  assertAllowed(again)
  context.contract.assertDocumented(documented, again)
  if (again.status === 200) {
    // The resource may have changed in between.
    expect(again.headers['etag'] !== etag, '200 with the same ETag, instead of 304')
    return '; changed in between'
  }
  expect(again.status === 304 && again.text === '', `${again.status} to If-None-Match`)
  expect(again.headers['etag'] === etag, '304 has another ETag')
  return ', then 304'
}

/** Stores names of resources for the operations that follow. */
const discover = ({ discovered, report }: CheckContext, operationId: string, { text }: HttpResponse): void => {
  const names = (member: string) =>
    itemsIn(text).flatMap(item => (item[member] === undefined ? [] : [String(item[member])]))
  if (operationId === 'listAccounts') {
    for (const member of ['s3uid', 'email']) for (const name of names(member)) report.redact(name)
    const [s3uid] = names('s3uid')
    if (s3uid !== undefined) discovered.s3uid = s3uid
  }
  if (operationId === 'listPlans') {
    const [planId] = names('id')
    if (planId !== undefined) discovered.planId = planId
  }
  if (operationId === 'listBuckets') {
    discovered.buckets = names('name')
    for (const name of discovered.buckets) report.redact(name)
  }
}

/** The `items` of a list. */
export const itemsIn = (text: string): Record<string, unknown>[] => {
  const body = jsonIn(text)
  return typeof body === 'object' && body !== null && 'items' in body && Array.isArray(body.items) ? body.items : []
}
