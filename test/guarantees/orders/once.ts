import { request } from 'undici'

/** One POST /orders for a bucket, with a key made from its name. */
export const orderOnce = async (url: string, token: string, bucketName: string) => {
  const { statusCode, body } = await request(`${url}/orders`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'idempotency-key': `key-of-${bucketName}-0000`,
      'content-type': 'application/json'
    },
    body: JSON.stringify({ planId: 2, bucketName })
  })
  return { statusCode, text: await body.text() }
}
