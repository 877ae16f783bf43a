import { loadRegistry, RegistryError, type Service } from './registry-file.ts'

/** The internal services that may call the gateway. */
export interface ServiceRegistry {
  find(id: string): Service | undefined
  all(): Iterable<Service>
  /** Reads the file again; an invalid file changes nothing. @returns what is wrong with it */
  reload(): readonly string[]
}

/**
 * @param file undefined: there are no services
 * @throws RegistryError when the file is invalid
 */
export const createServiceRegistry = (file: string | undefined, env: NodeJS.ProcessEnv): ServiceRegistry => {
  const load = (): ReadonlyMap<string, Service> => (file === undefined ? new Map() : loadRegistry(file, env))
  let services = load()
  return {
    find: id => services.get(id),
    all: () => services.values(),
    reload() {
      try {
        services = load()
        return []
      } catch (error) {
        if (error instanceof RegistryError) return error.faults
        throw error
      }
    }
  }
}
