import { oneOf, type Setting, setting } from '../setting.ts'

/** What a gateway need not offer. The same names stand in the declarations of the operations. */
export const switches = {
  orders: setting({
    name: 'ORDERS',
    description: '`off` removes the operation that orders paid accounts; earlier orders can still be read.',
    fallback: 'on',
    read: oneOf('on', 'off')
  }),
  accountCreation: setting({
    name: 'ACCOUNT_CREATION',
    description: '`off` removes the operation that creates accounts without an order.',
    fallback: 'on',
    read: oneOf('on', 'off')
  }),
  accountDeletion: setting({
    name: 'ACCOUNT_DELETION',
    description: '`off` removes the operations that delete an account with all its data, terminate it, and undo that.',
    fallback: 'on',
    read: oneOf('on', 'off')
  }),
  keys: setting({
    name: 'KEYS',
    description:
      '`off` removes the operations that show a key pair. Presigned URLs stay, because they show no secret key: without `STORAGE_ENDPOINTS` there are none.',
    fallback: 'on',
    read: oneOf('on', 'off')
  }),
  writes: setting({
    name: 'WRITES',
    description:
      '`off` removes every operation that changes something at HOSTKEY, and refuses presigned URLs of uploads: a read-only gateway.',
    fallback: 'on',
    read: oneOf('on', 'off')
  })
} satisfies Record<string, Setting>
