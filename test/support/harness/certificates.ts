import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { needProgram } from './debian.ts'
import { temporaryFolder } from './replicas.ts'

/** A certificate and its key, in PEM. */
export interface KeyPair {
  cert: string
  key: string
}

interface Subject {
  /** DNS name; default: localhost. */
  host?: string
  /** As openssl writes a time: `YYYYMMDDHHMMSSZ`. */
  from?: string
  until?: string
}

const CONFIG = `[ca]
default_ca = own
[own]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`

/** An authority for one test, with certificates that it has signed. Takes about 50 ms for each. */
export const authority = async (t: Parameters<typeof temporaryFolder>[0]) => {
  const openssl = await needProgram(['openssl'], 'openssl')
  const folder = temporaryFolder(t)
  const run = (...args: string[]) => promisify(execFile)(openssl, args, { cwd: folder })
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  writeFileSync(join(folder, 'config'), CONFIG)
  writeFileSync(join(folder, 'index'), '')
  writeFileSync(join(folder, 'serial'), '01')
  await run(...request, '-x509', '-days', '2', '-subj', '/CN=Test authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  let count = 0
  return {
    cert: read('ca.pem'),
    /** In which the certificate is, for NODE_EXTRA_CA_CERTS. */
    file: join(folder, 'ca.pem'),
    /** Signed by itself, for localhost. */
    async selfSigned(): Promise<KeyPair> {
      const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
      await run(...request, '-x509', '-days', '2', ...names, '-keyout', 'own.key', '-out', 'own.crt')
      return { cert: read('own.crt'), key: read('own.key') }
    },
    async sign({
      host = 'localhost',
      from = '20200101000000Z',
      until = '20990101000000Z'
    }: Subject = {}): Promise<KeyPair> {
      count += 1
      const [key, csr, pem] = [`${count}.key`, `${count}.csr`, `${count}.crt`]
      await run(
        ...request,
        '-subj',
        `/CN=${host}`,
        '-addext',
        `subjectAltName=DNS:${host}`,
        '-keyout',
        key,
        '-out',
        csr
      )
      const dates = ['-startdate', from, '-enddate', until]
      const by = ['-cert', 'ca.pem', '-keyfile', 'ca.key', '-config', 'config']
      await run('ca', '-batch', '-notext', ...by, ...dates, '-in', csr, '-out', pem)
      return { cert: read(pem), key: read(key) }
    }
  }
}
