import { execFileSync } from 'node:child_process'
import { findProgram, needProgram } from '../../support/harness/debian.ts'
import { ownNameSpace } from '../../support/harness/name-space.ts'

/** Set in the process that runs inside. */
const INSIDE = 'HKS3_OWN_NETWORK'

/**
 * Importing this module, before anything else, replaces this process by the same program in a network name space of its
 * own, with a loopback device and no other. Packets dropped there affect no other process, and the rules end with it.
 * @throws Error that says what is missing
 */
const enter = async () => {
  // Inside there is no network to install from.
  const nft = await needProgram(['nft'], 'nftables')
  const ip = await needProgram(['ip'], 'iproute2')
  if (!process.env['REDIS_SERVER_PATH']) await needProgram(['redis-server', 'valkey-server'], 'redis-server')
  const [unshare = '', ...flags] = ownNameSpace('n', `${ip} link set lo up && ${nft} add table inet probe`)
  const program = findProgram(unshare) ?? unshare
  const args = [unshare, ...flags, process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  if (!process.execve) throw new Error('This test replaces its process by another one, which Node does not do here.')
  // tap takes the format of its reports out of the environment when it starts.
  process.execve(program, args, { ...process.env, NODE_TEST_CONTEXT: 'child-v8', [INSIDE]: 'true' })
}

if (process.env[INSIDE] === undefined) await enter()
execFileSync(findProgram('ip') ?? 'ip', ['link', 'set', 'lo', 'up'])
