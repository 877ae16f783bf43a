import { startSandbox } from './index.ts'

const { url, demo, close } = await startSandbox({ port: Number(process.env['SANDBOX_PORT'] ?? 8090) })

process.stdout.write(`The sandbox listens on ${url}

  token     ${demo.token}
  API key   ${demo.apiKey}
  e-mail    ${demo.email}
  password  ${demo.password}

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
