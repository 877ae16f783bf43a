import { execFileSync } from 'node:child_process'
import { findProgram, needProgram } from '../../support/harness/debian.ts'
import { ownNameSpace } from '../../support/harness/name-space.ts'

/** Set in the process inside the namespace. */
const INSIDE = 'HKS3_OWN_NETWORK'

/**
 * Importing this module first replaces this process by the same program in a network namespace of its own, which has only
 * a loopback device. Its packet rules affect no other process and end with it.
 * @throws Error that names the missing program
 */
const enter = async () => {
  // Packages can be installed only outside the namespace.
  const nft = await needProgram(['nft'], 'nftables')
  const ip = await needProgram(['ip'], 'iproute2')
  if (!process.env['REDIS_SERVER_PATH']) await needProgram(['redis-server', 'valkey-server'], 'redis-server')
  const [unshare = '', ...flags] = ownNameSpace('n', `${ip} link set lo up && ${nft} add table inet probe`)
  const program = findProgram(unshare) ?? unshare
  const args = [unshare, ...flags, process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  if (!process.execve) throw new Error('This test replaces its process, which Node cannot do on this system.')
  // tap reads the format of its reports from the environment at its start.
  process.execve(program, args, { ...process.env, NODE_TEST_CONTEXT: 'child-v8', [INSIDE]: 'true' })
}

if (process.env[INSIDE] === undefined) await enter()
execFileSync(findProgram('ip') ?? 'ip', ['link', 'set', 'lo', 'up'])
