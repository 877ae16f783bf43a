import { once } from 'node:events'
import { createServer } from 'node:http'
import { type Control, createControl } from './control.ts'
import { answerControl } from './control-http.ts'
import { standardFixture } from './fixture.ts'
import { createRuntime } from './runtime.ts'
import { answerScript } from './scripts.ts'
import type { Switches } from './switches.ts'
import type { Fixture } from './world.ts'

export { hashedToken } from './calls.ts'
export type { Fault, FaultKind } from './faults.ts'
export type { Switches } from './switches.ts'
export type { Fixture } from './world.ts'

/** This machine alone: whoever reaches the control makes it do anything. */
const HOST = '127.0.0.1'

export interface SandboxOptions {
  /** 0 takes any free port. */
  readonly port?: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Makes every secret of this sandbox different from those of another seed. */
  readonly seed?: string
  readonly switches?: Partial<Switches>
  /** What it holds at the start. */
  readonly fixture?: Fixture
}

/** The credentials of the customer `demo`; the token is a live session for 24 h. */
export interface Demo {
  readonly token: string
  readonly apiKey: string
  readonly email: string
  readonly password: string
}

/** A pretend HOSTKEY. */
export interface Sandbox {
  /** Base of `s3.php`, `auth.php` and `eq_callback.php`, with a slash at the end. */
  readonly url: string
  readonly demo: Demo
  readonly control: Control
  /** Ends it at once, with every connection. */
  close(): Promise<void>
}

/** Starts a pretend HOSTKEY on a loopback port. It shares nothing with any other. */
export const startSandbox = async ({
  port = 0,
  now = Date.now,
  seed = 'hostkey-s3-gateway',
  switches = {},
  fixture = standardFixture
}: SandboxOptions = {}): Promise<Sandbox> => {
  const runtime = createRuntime({ now, seed, fixture, switches })
  const control = createControl(runtime)
  const server = createServer((request, response) => {
    const answer = request.url?.startsWith('/control/')
      ? answerControl(control, request, response)
      : answerScript(runtime, request, response)
    // What fails here is a client that went away, or a bug: a broken connection shows both.
    answer.catch(() => response.destroy())
  })
  // 75 s, nginx's default: an idle connection outlives the pauses of a test.
  server.keepAliveTimeout = 75_000
  server.listen(port, HOST)
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('the sandbox listens on no port')
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
