import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Behaviours } from './behaviours.ts'
import { type Control, createControl } from './control.ts'
import { handleControl } from './control-http.ts'
import { standardFixture } from './fixture.ts'
import { createRuntime } from './runtime.ts'
import { handleScript } from './scripts.ts'
import type { Fixture } from './state.ts'

export type { Behaviours } from './behaviours.ts'
export { hashToken } from './calls.ts'
export type { Fault, FaultKind } from './faults.ts'
export type { Fixture } from './state.ts'

/** Loopback only: the control needs no credential. */
const HOST = '127.0.0.1'

export interface SandboxOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Sandboxes with different seeds have different secrets. */
  readonly seed?: string
  readonly behaviours?: Partial<Behaviours>
  /** The initial data. */
  readonly fixture?: Fixture
}

/** The credentials of the customer `demo`. The token is valid for 24 h. */
export interface Demo {
  readonly token: string
  readonly apiKey: string
  readonly email: string
  readonly password: string
}

/** An in-memory simulation of HOSTKEY's s3.php, auth.php and eq_callback.php. */
export interface Sandbox {
  /** Base URL of the scripts; ends with a slash. */
  readonly url: string
  readonly demo: Demo
  readonly control: Control
  /** Stops at once and closes every connection. */
  close(): Promise<void>
}

/** Starts a sandbox on a loopback port. Sandboxes share nothing. */
export const startSandbox = async ({
  port = 0,
  now = Date.now,
  seed = 'hostkey-s3-gateway',
  behaviours = {},
  fixture = standardFixture
}: SandboxOptions = {}): Promise<Sandbox> => {
  const runtime = createRuntime({ now, seed, fixture, behaviours })
  const control = createControl(runtime)
  const server = createServer((request, response) => {
    const handled = request.url?.startsWith('/control/')
      ? handleControl(control, request, response)
      : handleScript(runtime, request, response)
    // The client disconnected, or the sandbox has a bug: close the connection in both cases.
    handled.catch(() => response.destroy())
  })
  // 75 s, nginx's default: connections stay open between the requests of a test.
  server.keepAliveTimeout = 75_000
  server.listen(port, HOST)
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('the sandbox does not listen on a port')
  return {
    url: `http://${HOST}:${address.port}/`,
    demo: demoOf(control),
    control,
    async close() {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    }
  }
}

const demoOf = (control: Control): Demo => {
  const { email, password, apiKeys } = control.customer('demo')
  return { token: control.tokenOf('demo'), apiKey: apiKeys[0]?.key ?? '', email, password }
}
