import { demoOrder } from '../../../../schemas/examples/index.ts'
import type { Entry } from './entry.ts'

/** Customer number of the sandbox's demo customer. */
const DEMO_CUSTOMER = '1002'

/** A finished order that the ledger holds at start in front of the embedded sandbox, as an example to read. */
export const demoEntry = (): Entry => {
  const { orderId, planId, bucketName, location, createdAt, s3uid } = demoOrder
  const at = Date.parse(createdAt)
  return {
    orderId,
    intent: {
      tenant: DEMO_CUSTOMER,
      action: 'create_order',
      keyHash: '',
      fingerprint: '',
      requested: { planId, bucketName, location }
    },
    state: 'done',
    createdAt: at,
    leasedAt: at,
    created: { s3uid, bucket: bucketName }
  }
}
