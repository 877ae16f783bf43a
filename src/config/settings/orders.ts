import { integer, type Setting, setting } from '../setting.ts'

/** Orders whose answer was lost. */
export const orders = {
  orderLateExecutionWindowMs: setting({
    name: 'ORDER_LATE_EXECUTION_WINDOW_MS',
    description:
      'How long HOSTKEY may take to execute an order whose answer was lost, in ms. After this time a missing account is assumed never to appear.',
    fallback: '30000',
    read: integer(0, 3_600_000)
  }),
  orderLeaseMs: setting({
    name: 'ORDER_LEASE_MS',
    description:
      'Length of the lease on an order or a job that a replica works on, in ms. The replica renews it while it lives; when it has ended, a retry of the request takes the order over after this time, and another replica the job.',
    fallback: '10000',
    read: integer(500, 3_600_000)
  })
} satisfies Record<string, Setting>
