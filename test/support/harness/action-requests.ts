import { randomUUID } from 'node:crypto'
import { type ActionName, actions } from '../../../src/upstream/actions/index.ts'
import { committedDocument, type Given, operationsOf, requestOf } from '../assert/document.ts'
import type { Gateway, Reply, SendOptions } from './gateway.ts'

/**
 * For each action of s3.php an operation that calls it. The example of that operation in `openapi.yaml` is the sample
 * request of the action. Tests that run over all actions take their requests from here.
 */
const operationFor: Readonly<Record<ActionName, string>> = {
  cancel_payment_account_deletion: 'cancelTermination',
  create_account: 'createAccount',
  create_bucket: 'createBucket',
  create_order: 'createOrder',
  delete_account: 'deleteAccount',
  delete_bucket: 'deleteBucket',
  delete_file: 'deleteFile',
  delete_payment_account: 'createTermination',
  get_buckets: 'listBuckets',
  get_buckets_rmq: 'getUsage',
  get_files: 'listFiles',
  get_users: 'listAccounts',
  history: 'listPlanHistory',
  list_plans: 'listPlans',
  show_key: 'getKey'
}

export interface SampleRequest {
  method: string
  /** Path and query. */
  target: string
  headers: Record<string, string>
  /** Undefined when the operation takes none. */
  body: Readonly<Record<string, unknown>> | undefined
  /** Names of all parameters that the query may have. */
  query: readonly string[]
}

export const actionNames = Object.keys(actions) as ActionName[]

const operations = operationsOf(committedDocument())

/**
 * The request that calls the action, valid on a fresh sandbox. An order has a new key and a new bucket name each time,
 * because the ledger answers a repeated one itself.
 * @param otherwise parameters that differ from the example
 * @throws TypeError when `operationFor` names no operation that calls the action
 */
export const sampleRequest = (action: ActionName, otherwise: Given = {}): SampleRequest => {
  const operation = operations.find(({ operationId }) => operationId === operationFor[action])
  if (!operation?.['x-upstream-action'].includes(`s3/${action}`)) {
    throw new TypeError(`${operationFor[action]} of openapi.yaml does not call ${action}: see action-requests.ts`)
  }
  const { parameters = [] } = operation
  const key = parameters.find(({ name }) => name === 'idempotency-key')
  const changed = { ...(key && { 'idempotency-key': key.required ? randomUUID() : undefined }), ...otherwise }
  const { path, headers, body } = requestOf(operation, changed)
  return {
    method: operation.method,
    target: path,
    headers,
    // An example of a body is an object: `examples.test.ts` checks it.
    body: (key?.required ? withNewBucketName(body as object) : body) as SampleRequest['body'],
    query: parameters.filter(parameter => parameter.in === 'query').map(({ name }) => name)
  }
}

const withNewBucketName = (body: object) => ({ ...body, bucketName: `bucket-${randomUUID()}` })

/** Sends the request that calls the action. */
export const sendSample = (
  { send }: Pick<Gateway, 'send'>,
  action: ActionName,
  { headers, ...options }: Pick<SendOptions, 'token' | 'headers'> = {}
): Promise<Reply> => {
  const sample = sampleRequest(action)
  const { body } = sample
  return send(sample.method, sample.target, {
    ...options,
    headers: { ...headers, ...sample.headers },
    ...(body && { body })
  })
}
