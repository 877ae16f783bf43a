import { ReplyError } from 'ioredis'

/** Replies with which Redis refuses every write: other commands would fail too. */
export const AWAY = /^(READONLY|MASTERDOWN|LOADING|NOAUTH|WRONGPASS)/

export const isReply = (error: unknown): error is Error => error instanceof ReplyError

export const isOutOfMemory = (error: unknown): boolean => isReply(error) && /\bOOM\b/.test(error.message)

/** The errors of ioredis for a command that it could not send, or whose connection broke. */
export const isLost = (error: unknown): boolean =>
  error instanceof Error &&
  /^Connection is closed|^Stream isn't writeable|MaxRetriesPerRequest|max retries per request/i.test(
    `${error.message} ${error.name}`
  )
