import { check, expect, Unchecked } from '../report.ts'
import type { Answer } from '../sender.ts'
import { type Described, jsonIn } from './document.ts'
import { assertAllowed, type Stage, told } from './stage.ts'

/** Sends each reading operation of the document: with what was learned before, and with its own example. */
export const checkReads = async (stage: Stage): Promise<void> => {
  const reads = stage.contract
    .operations()
    .filter(({ method }) => method === 'get')
    // Lists first: they name what the others need.
    .sort((a, b) => depthOf(a) - depthOf(b))
  for (const described of reads) {
    const { operationId } = described.operation
    if (operationId === 'getKey' && !stage.options.readKeys) {
      stage.report.skip(operationId, 'discloses a key: only with --read-keys')
      continue
    }
    await check(stage.report, operationId, () => checkRead(stage, described))
    await checkExample(stage, described)
  }
}

const depthOf = ({ path }: Described) => path.split('{').length * 100 + path.length

const checkRead = async (stage: Stage, described: Described): Promise<string> => {
  const path = filled(described, valuesOf(stage))
  if (path === undefined) throw new Unchecked('nothing is known that it could be asked for')
  const answer = await stage.send({ path, token: tokenFor(stage, described) })
  assertAllowed(answer)
  stage.contract.hold(described, answer)
  expect(answer.status === 200, `answers ${told(answer)}`)
  learn(stage, described.operation.operationId, answer)
  const version = await checkVersion(stage, described, path, answer)
  return `200 as documented, ${Math.round(answer.ms)} ms${version}`
}

/** The documentation's own example may name nothing that is there: any documented reply but a failure of the server is right. */
const checkExample = async (stage: Stage, described: Described): Promise<void> => {
  const { operationId } = described.operation
  const path = filled(described, examplesOf(described))
  if (path === undefined || !described.path.includes('{')) return
  await check(stage.report, `${operationId} as in its example`, async () => {
    const answer = await stage.send({ path, token: tokenFor(stage, described) })
    assertAllowed(answer)
    stage.contract.hold(described, answer)
    expect(answer.status < 500, `answers ${answer.status}`)
    return `${answer.status} as documented`
  })
}

/** Open operations are asked without the credential. */
const tokenFor = ({ options }: Stage, { operation }: Described) =>
  operation.security?.length === 0 ? null : options.token

type Values = Readonly<Record<string, string | undefined>>

const valuesOf = ({ known }: Stage): Values => ({
  s3uid: known.s3uid,
  bucket: known.buckets[0],
  planId: known.planId,
  kind: 'access-key',
  name: 'invalid-token'
})

const examplesOf = ({ operation }: Described): Values =>
  Object.fromEntries(
    (operation.parameters ?? [])
      .filter(parameter => parameter.in === 'path' && parameter.example !== undefined)
      .map(({ name, example }) => [name, String(example)])
  )

/** The path with its parameters; undefined when one is not known. */
const filled = ({ path }: Described, values: Values): string | undefined => {
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(match => match[1] ?? '')
  if (names.some(name => values[name] === undefined)) return undefined
  return path.slice(1).replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}

/** A reply that has a version is not sent again to whoever has it (RFC 9110, 13). */
const checkVersion = async (stage: Stage, described: Described, path: string, first: Answer): Promise<string> => {
  const cache = first.headers['cache-control']
  const { etag } = first.headers
  if (!stage.contract.replyOf(described, 200)?.reply.headers?.['ETag']) {
    expect(etag === undefined && cache === 'no-store', 'a reply without a version may be stored')
    return ''
  }
  expect(etag !== undefined, 'comes without the ETag of the document')
  expect(cache?.startsWith('private, ') ?? false, 'may be stored by others than the caller')
  const again = await stage.send({ path, headers: { 'if-none-match': etag } })
  assertAllowed(again)
  stage.contract.hold(described, again)
  if (again.status === 200) {
    // What it lists may have changed in between.
    expect(again.headers['etag'] !== etag, 'sends the version again that the caller has')
    return '; changed meanwhile'
  }
  expect(again.status === 304 && again.text === '', `answers ${again.status} to If-None-Match`)
  expect(again.headers['etag'] === etag, '304 names another version')
  return ', then 304'
}

/** Names of what there is, for the operations that follow. */
const learn = ({ known, report }: Stage, operationId: string, { text }: Answer): void => {
  const names = (member: string) =>
    itemsIn(text).flatMap(item => (item[member] === undefined ? [] : [String(item[member])]))
  if (operationId === 'listAccounts') {
    for (const member of ['s3uid', 'email']) for (const name of names(member)) report.hide(name)
    const [s3uid] = names('s3uid')
    if (s3uid !== undefined) known.s3uid = s3uid
  }
  if (operationId === 'listPlans') {
    const [planId] = names('id')
    if (planId !== undefined) known.planId = planId
  }
  if (operationId === 'listBuckets') {
    known.buckets = names('name')
    for (const name of known.buckets) report.hide(name)
  }
}

/** The `items` of a list. */
export const itemsIn = (text: string): Record<string, unknown>[] => {
  const body = jsonIn(text)
  return typeof body === 'object' && body !== null && 'items' in body && Array.isArray(body.items) ? body.items : []
}
