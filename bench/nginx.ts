import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Fills in a configuration, in a folder for nginx's own files. @returns the command that starts it in the foreground */
export const nginxCommand = (
  name: string,
  {
    configuration,
    folder,
    port,
    upstream = ''
  }: { configuration: URL; folder: string; port: number; upstream?: string }
): string[] => {
  const own = `${folder}/${name}`
  mkdirSync(own, { recursive: true })
  const text = readFileSync(configuration, 'utf8')
    .replaceAll('@HERE@', fileURLToPath(new URL('.', configuration)))
    .replaceAll('@PORT@', String(port))
    .replaceAll('@UPSTREAM@', upstream.replace('http://', ''))
  writeFileSync(`${own}/nginx.conf`, text)
  return ['/usr/sbin/nginx', '-e', 'stderr', '-p', own, '-c', `${own}/nginx.conf`]
}
