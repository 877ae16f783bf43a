import { CommandFault, readCommandLine, runCommand } from '../core/command-line.ts'
import { startSandbox } from './index.ts'

const { values } = readCommandLine({
  usage: `npm run sandbox -- [--port PORT] [--storage-port PORT]

Starts a simulated HOSTKEY on 127.0.0.1. It keeps its state until it ends.

  --port PORT          default: the variable SANDBOX_PORT, else 8090; 0 chooses a free port
  --storage-port PORT  port of the storage; default: one more than the other port, or a free port
`,
  options: { port: { type: 'string' }, 'storage-port': { type: 'string' } }
})

const start = async () => {
  const port = portOf(values.port ?? process.env['SANDBOX_PORT'] ?? '8090')
  const storagePort = portOf(values['storage-port'] ?? String(port === 0 ? 0 : port + 1))
  const { url, storageUrl, demo, close } = await startSandbox({ port, storagePort })
  process.stdout.write(`The sandbox listens on ${url}

  token     ${demo.token}
  API key   ${demo.apiKey}
  e-mail    ${demo.email}
  password  ${demo.password}

A customer without servers logs in with e-mail and password only:
  ${demo.withoutServers.email}  ${demo.withoutServers.password}

For presigned URLs, give the gateway
  STORAGE_ENDPOINTS=NL=${storageUrl}|nl,DE=${storageUrl}|de

Try:
  curl -s ${url}s3.php --data action=get_users --data token=${demo.token}
`)

  const stop = () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1)
    )
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

const portOf = (text: string): number => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new CommandFault('The port of the sandbox is a number from 0 to 65535.')
}

await runCommand(start)
