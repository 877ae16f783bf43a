import type { Fields } from './php.ts'

/** A request as a PHP script sees it. */
export interface ScriptRequest {
  readonly fields: Fields
  /** Address of the client. */
  readonly ip: string
  /** Host and port of the sandbox. */
  readonly host: string
}
