// Runs on every Node, however old: plain syntax, so that the message is read and not a stack.
const MINIMUM = [22, 19]

const running = process.versions.node.split('.').map(Number)
const isTooOld = running[0] < MINIMUM[0] || (running[0] === MINIMUM[0] && running[1] < MINIMUM[1])

if (isTooOld) {
  const wanted = `Node ${MINIMUM.join('.')} or newer`
  console.error(`${wanted} is needed; this is Node ${process.versions.node} (${process.execPath}).

The project brings its own Node for Linux and Windows: run \`npm ci\`, then start everything through npm
(\`npm start\`, \`npm test\`), which puts that Node first. If this message came through npm, that Node could
not be installed: see whether \`npm ci\` ran with \`--omit=optional\`; on macOS or Alpine install ${wanted}.`)
  process.exit(1)
}
