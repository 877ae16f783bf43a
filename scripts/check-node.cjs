// Must run on old versions of Node: old syntax only, so that they print the message and not a syntax error.
const MINIMUM = [22, 19]

const running = process.versions.node.split('.').map(Number)
const isTooOld = running[0] < MINIMUM[0] || (running[0] === MINIMUM[0] && running[1] < MINIMUM[1])

if (isTooOld) {
  const required = `Node ${MINIMUM.join('.')} or newer`
  console.error(`${required} is required; this is Node ${process.versions.node} (${process.execPath}).

The project installs its own Node on Linux and Windows: run \`npm ci\`, then use npm (\`npm start\`, \`npm test\`),
which runs that Node. If npm printed this message, that Node is not installed: run \`npm ci\` without
\`--omit=optional\`. On macOS and Alpine install ${required}.`)
  process.exit(1)
}
