import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const { GATEWAY = 'http://127.0.0.1:8080', PAGE_PORT = '5173' } = process.env
const read = (name: string) => readFileSync(new URL(name, import.meta.url))

export default defineConfig({
  server: {
    port: Number(PAGE_PORT),
    strictPort: true,
    // Page and gateway are one origin, so neither CORS nor ALLOWED_ORIGINS is needed. The path stays as it is.
    proxy: { '/api': GATEWAY },
    // For Safari and for other machines, which keep the session cookie over https only.
    ...(existsSync(new URL('cert.pem', import.meta.url)) && { https: { cert: read('cert.pem'), key: read('key.pem') } })
  },
  // The client of this repository. A project of its own installs the package instead: see client/README.md.
  resolve: {
    alias: { '@hostkey-s3-gateway/client': fileURLToPath(new URL('../../client/src/index.ts', import.meta.url)) }
  }
})
