import { once } from 'node:events'
import type { RequestListener, Server } from 'node:http'
import type { Behaviours } from './behaviours.ts'
import { type Control, createControl, type Demo } from './control.ts'
import { handleControl } from './control-http.ts'
import { createContents } from './data-plane/content.ts'
import { handleStorage } from './data-plane/index.ts'
import { standardFixture } from './fixture.ts'
import { createRuntime } from './runtime.ts'
import { handleScript } from './scripts.ts'
import type { Fixture } from './state.ts'

// An import of `node:http` would load Node's `fetch` too, which takes 30 ms of a start.
const { createServer } = process.getBuiltinModule('node:http')

export type { Behaviours } from './behaviours.ts'
export { hashToken } from './calls.ts'
export type { Demo } from './control.ts'
export type { Fault, FaultKind } from './faults.ts'
export type { Fixture } from './state.ts'

/** Loopback only: the control needs no credential. */
const HOST = '127.0.0.1'

export interface SandboxOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** Port of the storage; 0, the default, takes any free port. */
  readonly storagePort?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Sandboxes with different seeds have different secrets. */
  readonly seed?: string
  readonly behaviours?: Partial<Behaviours>
  /** The initial data. */
  readonly fixture?: Fixture
}

/** A simulation of HOSTKEY's s3.php, auth.php and eq_callback.php, and of the storage: in memory, uploads in a temporary folder. */
export interface Sandbox {
  /** Base URL of the scripts; ends with a slash. */
  readonly url: string
  /** Endpoint of the storage, without a slash at the end. */
  readonly storageUrl: string
  readonly demo: Demo
  readonly control: Control
  /** Stops at once and closes every connection. */
  close(): Promise<void>
}

/** Starts a sandbox on a loopback port. Sandboxes share nothing. */
export const startSandbox = async ({
  port = 0,
  storagePort = 0,
  now = Date.now,
  seed = 'hostkey-s3-gateway',
  behaviours = {},
  fixture = standardFixture
}: SandboxOptions = {}): Promise<Sandbox> => {
  const runtime = createRuntime({ now, seed, fixture, behaviours })
  const control = createControl(runtime)
  const contents = createContents()
  const server = createServer((request, response) => {
    const handled = request.url?.startsWith('/control/')
      ? handleControl(control, request, response)
      : handleScript(runtime, request, response)
    // The client disconnected, or the sandbox has a bug: close the connection in both cases.
    handled.catch(() => response.destroy())
  })
  const store: RequestListener = (request, response) =>
    void handleStorage(runtime, contents, request, response).catch(() => response.destroy())
  // An upload that is refused is not asked for its body.
  const storage = createServer(store).on('checkContinue', store)
  const [address, storageAddress] = await Promise.all([listen(server, port), listen(storage, storagePort)])
  return {
    url: `${address}/`,
    storageUrl: storageAddress,
    demo: control.demo(),
    control,
    async close() {
      await Promise.all([server, storage].map(stop))
      await contents.close()
    }
  }
}

/** @returns the address, without a slash at the end */
const listen = async (server: Server, port: number): Promise<string> => {
  // 75 s, nginx's default: connections stay open between the requests of a test.
  server.keepAliveTimeout = 75_000
  server.listen(port, HOST)
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('the sandbox does not listen on a port')
  return `http://${HOST}:${address.port}`
}

const stop = async (server: Server): Promise<void> => {
  server.close()
  server.closeAllConnections()
  if (server.listening) await once(server, 'close')
}
