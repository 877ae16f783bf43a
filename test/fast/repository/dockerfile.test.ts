import { readFileSync } from 'node:fs'
import t from 'tap'

interface Instruction {
  name: string
  text: string
}

const instructionsOf = (dockerfile: string): Instruction[] =>
  dockerfile
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => ({ name: line.split(' ', 1)[0] ?? '', text: line.slice(line.indexOf(' ') + 1).trim() }))

const all = instructionsOf(readFileSync('Dockerfile', 'utf8'))
const lastFrom = all.findLastIndex(({ name }) => name === 'FROM')
const [build, image] = [all.slice(0, lastFrom), all.slice(lastFrom)]
const textsOf = (stage: Instruction[], instruction: string) =>
  stage.filter(({ name }) => name === instruction).map(({ text }) => text)

t.test('the image does not run as root', async t => {
  const users = textsOf(image, 'USER')
  t.equal(users.length, 1)
  t.match(users[0], /^(node|[1-9]\d*)$/)
  const after = image.slice(image.findIndex(({ name }) => name === 'USER')).map(({ name }) => name)
  t.notOk(after.includes('COPY'), 'nothing is copied after the user is set')
})

t.test('node is process 1, which gets the signals', async t => {
  t.same(
    textsOf(image, 'CMD').map(text => JSON.parse(text)),
    [['node', 'scripts/start.cjs', 'src/server.js']]
  )
  t.same(textsOf(image, 'ENTRYPOINT'), [])
  t.same(textsOf(image, 'STOPSIGNAL'), ['SIGTERM'])
})

t.test('the health check requests /livez, without a shell', async t => {
  const [text = ''] = textsOf(image, 'HEALTHCHECK')
  const command: string[] = JSON.parse(text.slice(text.indexOf('CMD ') + 4))
  t.match(command, ['node', '-e', /\/livez/])
  t.doesNotThrow(() => new Function(command[2] ?? 'nothing to run'), 'its program is valid JavaScript')
})

t.test('only compiled code and locked production packages reach the image, without their scripts', async t => {
  t.same(textsOf(build, 'RUN'), [
    'npm ci --workspaces=false --ignore-scripts',
    'npm run build',
    'npm ci --workspaces=false --omit=dev --omit=optional --ignore-scripts',
    'npm pkg delete workspaces devDependencies optionalDependencies && npm sbom --sbom-format=cyclonedx >sbom.cdx.json'
  ])
  t.same(textsOf(image, 'COPY'), [
    '--from=deps /app/node_modules ./node_modules',
    '--from=deps /app/sbom.cdx.json ./sbom.cdx.json',
    '--from=build /app/dist ./',
    'scripts/start.cjs scripts/check-node.cjs ./scripts/'
  ])
  t.same(textsOf(image, 'RUN'), [
    'mkdir --mode=700 /data && chown node:node /data',
    'node scripts/start.cjs src/server.js --help'
  ])
  t.same(textsOf(image, 'ADD'), [])
})

t.test('NODE_ENV is production, and the listener is reachable from outside the container', async t => {
  t.match(textsOf(image, 'ENV').join(' '), /\bNODE_ENV=production\b.*\bHOST=0\.0\.0\.0\b/)
  t.same(textsOf(image, 'EXPOSE'), ['8080'])
})

t.test('the build context contains only what is copied', async t => {
  const [first, ...exceptions] = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
  t.equal(first, '*')
  const copied = textsOf(all, 'COPY')
    .filter(text => !text.startsWith('--from='))
    .flatMap(text => text.split(' ').slice(0, -1))
  t.same(exceptions.sort(), [...new Set(copied)].map(source => `!${source}`).sort())
})

t.test('every stage starts from the same official image of Node', async t => {
  const bases = textsOf(all, 'FROM').map(text => text.replace(/ AS .*/, ''))
  t.same([...new Set(bases)], ['node:24-bookworm-slim'])
})
