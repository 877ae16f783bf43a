declare const process: { argv: string[] }

/** Arguments of each program: the address of the gateway, a token, and the bucket of the order. */
export const [, , baseUrl = '', token = '', bucketName = ''] = process.argv

export const authorization = `Bearer ${token}`

export interface NewOrder {
  planId: number
  bucketName: string
  location: string
}

/** What a generated client is asked for: five reads and an order. */
export interface Calls {
  accounts(): Promise<string[]>
  buckets(s3uid: string): Promise<string[]>
  files(s3uid: string, bucket: string): Promise<string[]>
  quotaBytes(s3uid: string): Promise<number | undefined>
  plans(): Promise<number[]>
  /** @returns the account of the order */
  order(order: NewOrder, idempotencyKey: string): Promise<string | undefined>
}

/** The value of a call that must have one. */
export const need = <T>(value: T | undefined, problem?: unknown): T => {
  if (value === undefined) throw new Error(JSON.stringify(problem))
  return value
}

/** Makes the calls, and prints what arrives. */
export const report = async (calls: Calls): Promise<void> => {
  const [s3uid = ''] = await calls.accounts()
  const buckets = await calls.buckets(s3uid)
  console.log(
    JSON.stringify({
      s3uid,
      buckets,
      files: (await calls.files(s3uid, buckets[0] ?? '')).length,
      quotaBytes: await calls.quotaBytes(s3uid),
      plans: await calls.plans(),
      ordered: await calls.order({ planId: 2, bucketName, location: 'NL' }, `order-for-${bucketName}`)
    })
  )
}
