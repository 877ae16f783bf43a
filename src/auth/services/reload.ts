import type { Registry } from '../authenticators/service.ts'
import { loadRegistry, RegistryError, type Service } from './registry.ts'

/** The registry of services as it was last read. */
export interface LiveRegistry extends Registry {
  /** Reads the file again; keeps the old registry when the new one is at fault. @returns the faults */
  reload(): readonly string[]
}

/**
 * @param file undefined for no services
 * @throws RegistryError when the file is at fault at the start
 */
export const createLiveRegistry = (file: string | undefined, env: NodeJS.ProcessEnv): LiveRegistry => {
  const read = (): ReadonlyMap<string, Service> => (file === undefined ? new Map() : loadRegistry(file, env))
  let services = read()
  return {
    find: id => services.get(id),
    reload() {
      try {
        services = read()
        return []
      } catch (error) {
        if (error instanceof RegistryError) return error.faults
        throw error
      }
    }
  }
}
