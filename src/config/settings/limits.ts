import { integer, optional, type Setting, setting } from '../setting.ts'

/** How often they may call. */
export const limits = {
  rateLimitMax: setting({
    name: 'RATE_LIMIT_MAX',
    description: 'Requests of one caller in a window. The stricter limits of single operations scale with it.',
    fallback: '600',
    read: integer(1, 1_000_000)
  }),
  rateLimitWindowMs: setting({
    name: 'RATE_LIMIT_WINDOW_MS',
    description: 'Length of the window, in ms.',
    fallback: '60000',
    read: integer(1000, 3_600_000)
  }),
  deleteRateLimitMax: setting({
    name: 'DELETE_RATE_LIMIT_MAX',
    description: 'Deletions of one caller in a window.',
    fallback: '',
    defaultText: 'a tenth of `RATE_LIMIT_MAX`',
    read: optional(integer(1, 1_000_000))
  }),
  loginRateLimitMax: setting({
    name: 'LOGIN_RATE_LIMIT_MAX',
    description:
      'Failed logins of one network in a window, and logins of one account from it. In 60 windows an account may fail twice as often from one network, and 20 times as often from all networks.',
    fallback: '',
    defaultText: 'a 120th of `RATE_LIMIT_MAX`',
    read: optional(integer(1, 1_000_000))
  }),
  replicasHint: setting({
    name: 'REPLICAS_HINT',
    description:
      'Number of replicas that share the store. While the store is down, each replica counts alone and allows this fraction of every limit, but at least one request.',
    fallback: '',
    defaultText: '2 when the store is `redis`, otherwise 1; times `WORKERS`',
    read: optional(integer(1, 1000))
  })
} satisfies Record<string, Setting>
