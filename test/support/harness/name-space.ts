import { execFileSync } from 'node:child_process'

/**
 * The command that starts a program in a name space of its own: as root, or as a user who may have one.
 * @param flag of unshare: `m` for mounts, `n` for the network
 * @param probe what the test will do there, as a line of shell
 * @throws Error that says what is missing: such a test is never skipped in silence
 */
export const ownNameSpace = (flag: 'm' | 'n', probe: string): string[] => {
  for (const flags of [`-${flag}`, `-Ur${flag}`]) {
    try {
      execFileSync('unshare', [flags, 'sh', '-c', probe], { stdio: 'ignore' })
      return ['unshare', flags]
    } catch {
      // The other way may be allowed.
    }
  }
  throw new Error(
    `This test needs a name space of its own, in which \`${probe}\` works. It takes util-linux, and CAP_SYS_ADMIN or user name spaces: in a container, run it with --cap-add SYS_ADMIN --cap-add NET_ADMIN.`
  )
}
