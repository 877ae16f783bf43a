import { nginxCommand } from './nginx.ts'
import { freePort, LOAD_CORE, type Running, start } from './process.ts'

export interface Upstream extends Running {
  /** How long each reply waits from now on. */
  delay(ms: number): Promise<void>
}

/** The one upstream of all servers. */
export const startUpstream = async (folder: string): Promise<Upstream> => {
  const port = await freePort()
  const configuration = new URL('upstream/nginx.conf', import.meta.url)
  const running = await start({
    name: 'upstream',
    command: nginxCommand('upstream', { configuration, folder, port }),
    env: {},
    core: LOAD_CORE,
    folder,
    port
  })
  return {
    ...running,
    async delay(ms) {
      await (await fetch(`${running.url}/delay?ms=${ms}`)).text()
    }
  }
}
