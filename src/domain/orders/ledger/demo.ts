import { demoOrder } from '../../../../schemas/examples/index.ts'
import type { Entry } from './entry.ts'

/** The number of the sandbox's demo customer. */
const DEMO_CUSTOMER = '1002'

/** The order that is there at the start in front of the embedded sandbox, so that there is one to look at. */
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
      wanted: { planId, bucketName, location }
    },
    state: 'done',
    createdAt: at,
    takenAt: at,
    made: { s3uid, bucket: bucketName }
  }
}
