import { RegistryError } from './auth/services/registry-file.ts'
import { ConfigError } from './config/config.ts'
import { TextFileError } from './core/text-file.ts'
import { StoreUnavailable } from './store/index.ts'

/** What to do when an address cannot be listened on, by the code of the error. */
const LISTENING: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: set PORT or MANAGEMENT_PORT to a free port, or SOCKET to another path',
  EACCES: 'this user may not use the port: set PORT or MANAGEMENT_PORT to one from 1024',
  EADDRNOTAVAIL: 'this machine has no such address: set HOST or MANAGEMENT_HOST to one of its own, or to 0.0.0.0',
  EAFNOSUPPORT: 'this machine does not use that kind of address: set HOST or MANAGEMENT_HOST to another one',
  ENOTFOUND: 'the name is unknown: set HOST or MANAGEMENT_HOST to an address of this machine',
  EAI_AGAIN: 'the name cannot be looked up: set HOST or MANAGEMENT_HOST to an address of this machine'
}

/** The reason of a failed start in a sentence. Only an error that is a fault of the gateway has a stack. */
export const explainStart = (error: unknown): string => {
  if (error instanceof ConfigError || error instanceof RegistryError) return error.message
  if (error instanceof TextFileError) return `Cannot start: ${error.message}.`
  if (error instanceof StoreUnavailable) return `Cannot start: ${detailOf(error.cause)}`
  if (!(error instanceof Error)) return String(error)
  const { code, syscall, path } = error as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) return error.stack ?? error.message
  const listening = syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo'
  if (listening) return `Cannot start: ${error.message}: ${LISTENING[code] ?? 'check HOST and PORT'}.`
  const place = path === undefined ? '' : ` ${path}`
  return `Cannot start: cannot use${place} (${code}): set AUDIT_LOG to a file, and DATA_DIR to a folder, that this user can write.`
}

const detailOf = (cause: unknown): string =>
  typeof cause === 'object' && cause !== null && 'detail' in cause
    ? String(cause.detail)
    : 'the store is not available.'
