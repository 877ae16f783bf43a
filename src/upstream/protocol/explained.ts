import { hash } from 'node:crypto'
import { type Action, covers, type FailurePattern } from '../actions/action.ts'
import { refusalsOf } from './failures.ts'

/** 12 hexadecimal digits: enough to find one text in the log. */
const REFERENCE_LENGTH = 12

/** Beginnings of a refusal that a reason follows (documented). */
const PREFIX =
  /^(?:S3 account was created, but had an error|Create bucket error|Delete S3 (?:account|bucket|file) error|s3\/get_buckets: Load bucket error|s3\/get_files: Load S3 files error): /i

/** A code of S3, such as `NoSuchBucket`: two to six words in one. */
const STORAGE_CODE = /^(?:[A-Z][a-z]{1,15}){2,6}$/

/** A reason in a sentence. */
const REASON =
  /^(?:the )?(?:specified |requested |provided )?(?:bucket|file|account|plan|key)(?: name)? (?:already exists|(?:is )?not empty|(?:was )?not found|does not exist|is (?:invalid|not valid))$/i

const isSaid = (pattern: FailurePattern, text: string): boolean =>
  pattern.example.toLowerCase() === text.toLowerCase() || covers(pattern.wording, text)

/**
 * Does a declared wording explain the text from its first to its last character? Only then may a caller read it: what
 * else HOSTKEY prints can hold SQL, paths or data of others.
 */
export const isExplained = (action: Action, text: string): boolean => {
  const reason = text.replace(PREFIX, '')
  return (
    text === '' ||
    STORAGE_CODE.test(reason) ||
    REASON.test(reason) ||
    refusalsOf(action).some(({ pattern }) => isSaid(pattern, text) || isSaid(pattern, reason))
  )
}

/** A short name for a text, the same for the same text: it is in the reply, and with the text in the log. */
export const referenceOf = (text: string): string => hash('sha256', text).slice(0, REFERENCE_LENGTH)
