import { execFileSync } from 'node:child_process'
import { findProgram, needProgram } from '../../support/harness/debian.ts'
import { ownNameSpace } from '../../support/harness/name-space.ts'

/** FailurePattern that this process is there already. */
const INSIDE = 'HKS3_OWN_NETWORK'

/** As it was before the test's other imports, which go on while this one waits: tap changes what the runner has said. */
const env = { ...process.env }

/**
 * Importing this module, before anything else, starts the program anew in a network name space of its own: a loopback
 * device and no other. Whatever is dropped there, nobody else misses it, and it is gone with its last process.
 * @throws Error that says what is missing
 */
const enter = async () => {
  // In there nothing can be installed any more.
  const nft = await needProgram(['nft'], 'nftables')
  const ip = await needProgram(['ip'], 'iproute2')
  if (!process.env['REDIS_SERVER_PATH']) await needProgram(['redis-server', 'valkey-server'], 'redis-server')
  const [unshare = '', ...flags] = ownNameSpace('n', `${ip} link set lo up && ${nft} add table inet probe`)
  const program = findProgram(unshare) ?? unshare
  const args = [unshare, ...flags, process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  if (!process.execve) throw new Error('This test replaces its process by another one, which Node does not do here.')
  process.execve(program, args, { ...env, [INSIDE]: 'true' })
}

if (process.env[INSIDE] === undefined) await enter()
execFileSync(findProgram('ip') ?? 'ip', ['link', 'set', 'lo', 'up'])
