import { createServiceRegistry } from '../../src/auth/services/registry.ts'
import { loadConfig } from '../../src/config/config.ts'
import { assembleGateway } from '../../src/gateway.ts'
import { createLog } from '../../src/observability/log.ts'

/** Stands in the problem types of the written document; a running gateway prints its own address. */
const PUBLIC_URL = 'https://s3-gateway.example.com/'

/** The OpenAPI document of a gateway with default settings, whatever the environment here. Nothing listens. */
export const openapiDocument = async () => {
  const config = loadConfig({ PUBLIC_URL, LOG_LEVEL: 'silent' })
  const { app, close } = await assembleGateway({
    config,
    upstreamUrl: new URL('http://127.0.0.1'),
    registry: createServiceRegistry(undefined, {}),
    log: createLog(config.logLevel)
  })
  await app.ready()
  const made = { yaml: app.swagger({ yaml: true }), document: app.swagger() }
  await close()
  return made
}
