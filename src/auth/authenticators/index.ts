import { createSealer } from '../seal.ts'
import type { Secret } from '../../core/secret.ts'
import { createLogins } from '../services/logins.ts'
import { createSessions } from '../sessions.ts'
import type { Store } from '../../store/index.ts'
import { createAuth } from '../../upstream/auth.ts'
import type { Upstream } from '../../upstream/client.ts'
import { createBearerDoor } from './bearer.ts'
import { createServiceDoor, type Registry } from './service.ts'
import { createSessionDoor } from './session.ts'

export interface DoorOptions {
  upstream: Upstream
  store: Store
  sessionSecrets: readonly Secret[]
  registry: Registry
}

/** The three doors, and what the session routes need beside them. */
export const createDoors = ({ upstream, store, sessionSecrets, registry }: DoorOptions) => {
  const auth = createAuth(upstream)
  const sealer = createSealer(sessionSecrets)
  const sessions = createSessions(store, sealer)
  const doors = {
    session: createSessionDoor(sessions),
    bearer: createBearerDoor(auth),
    service: createServiceDoor(registry, createLogins(auth, store, sealer))
  }
  return { auth, sessions, doors }
}
