import {
  type Client,
  createClient,
  GatewayProblem,
  isProblem,
  OrderUndecided,
  type ProblemName,
  type ProblemNameOf,
  type Schemas
} from '@hostkey-s3-gateway/client'

const gateway: Client = createClient({ baseUrl: 'https://s3.example.com', token: async () => 'token' })
const path = { s3uid: 's3_user_1' }
const never = (value: never): never => value

export const reads = async (signal: AbortSignal): Promise<string[]> => {
  const { items } = await gateway.GET('/accounts/{s3uid}/buckets', {
    params: { path, query: { expand: 'usage' } },
    signal
  })
  const plans: Schemas['Plan'][] = (await gateway.GET('/plans')).items
  const wrong: number = items[0]?.name ?? 0 // TS2322
  await gateway.GET('/bucket', {}) // TS2345
  await gateway.GET('/orders', {}) // TS2345
  await gateway.GET('/accounts/{s3uid}/buckets') // TS2554
  await gateway.GET('/accounts/{s3uid}/buckets', { params: { path: { s3: 'a' } } }) // TS2353
  await gateway.GET('/accounts/{s3uid}/buckets', { params: { path, query: { expnad: 'usage' } } }) // TS2561
  await gateway.GET('/accounts/{s3uid}/buckets', { params: { path, query: { expand: 'all' } } }) // TS2322
  await gateway.GET('/plans', { baseUrl: 'https://elsewhere.example' }) // TS2353
  await gateway.GET('/plans', { params: { header: { 'if-none-match': '*' } } }) // TS2353
  return [...items.map(({ name }) => name), ...plans.map(({ name }) => name ?? ''), String(wrong)]
}

export const writes = async (): Promise<string> => {
  const params = { path: { ...path, bucket: 'photos' } }
  const nothing: undefined = await gateway.DELETE('/accounts/{s3uid}/buckets/{bucket}', { params })
  await gateway.POST('/accounts/{s3uid}/buckets', { params: { path }, body: { nmae: 'photos' } }) // TS2353
  await gateway.POST('/accounts/{s3uid}/buckets', { params: { path } }) // TS2345
  await gateway.POST('/orders', { body: { planId: 2, bucketName: 'photos' } }) // TS2345
  await gateway.DELETE('/accounts/{s3uid}', { params: { path } }) // TS2741
  await gateway.DELETE('/accounts/{s3uid}/buckets/{bucket}/files/{path}', { params }) // TS2345
  await gateway.login({ apikey: 'key' }) // TS2561
  await gateway.login({}) // TS2345
  await gateway.login({ email: 'demo@example.com' }) // TS2345
  await gateway.login({ email: 'demo@example.com', password: 'word', token: 'token' }) // TS2345
  const { s3uid } = await gateway.order({ planId: 2, bucketName: 'photos' }, { deadlineMs: 1000 })
  await gateway.order({ planId: '2', bucketName: 'photos' }) // TS2322
  await gateway.deleteFile('s3_user_1', 'logs', 'a', { signal: AbortSignal.timeout(1000) })
  await gateway.DELETE('/accounts/{s3uid}', { params: { path, header: { 'confirm-delete': 's3_user_1' } } })
  return s3uid ?? String(nothing)
}

export const lists = async (): Promise<void> => {
  for await (const file of gateway.allFiles('s3_user_1', 'logs', { search: 'a' })) {
    const size: number | undefined = file.sizeBytes
    file.size // TS2339
    String(size)
  }
  for await (const { file, folder } of gateway.streamFiles('s3_user_1', 'logs')) {
    String((file ?? folder).path)
    String(file.path) // TS18048
  }
  gateway.streamFiles('s3_user_1', 'logs', { limit: 10 }) // TS2353
}

export const problems = (error: unknown): number => {
  if (isProblem(error, 'bucket-exists', 'limit-reached')) {
    const conflict: 409 = error.status
    const name: 'bucket-exists' | 'limit-reached' = error.name
    const missing: 404 = error.status // TS2322
    return conflict + missing + name.length
  }
  if (error instanceof GatewayProblem) {
    switch (error.name) {
      case 'rate-limited': {
        const status: 429 = error.status
        return error.retryAfterSeconds ?? status
      }
      case 'rate-limted': // TS2678
        return 0
      case 'unknown-problem':
        never(error) // TS2345
        return error.status
      default:
        return error.errors.length
    }
  }
  isProblem(error, 'no-such-problem') // TS2345
  return error instanceof OrderUndecided ? error.idempotencyKey.length : 0
}

/** The problems of one operation: a name outside of them does not compile. */
type OfPlans = ProblemNameOf<'listPlans'>
export const known: ProblemName = 'forbidden' satisfies OfPlans
export const unknown = 'bucket-exists' satisfies OfPlans // TS1360
