import { execFileSync } from 'node:child_process'

/**
 * The command that starts a program in a namespace of its own: as root, or as a user with user namespaces.
 * @param flag of unshare: `m` for mounts, `n` for the network
 * @param probe a shell command that the test will need there
 * @throws Error that names what is missing; the test is not skipped silently
 */
export const ownNameSpace = (flag: 'm' | 'n', probe: string): string[] => {
  for (const flags of [`-${flag}`, `-Ur${flag}`]) {
    try {
      execFileSync('unshare', [flags, 'sh', '-c', probe], { stdio: 'ignore' })
      return ['unshare', flags]
    } catch {
      // Try the other way.
    }
  }
  throw new Error(
    `This test needs a namespace of its own, in which \`${probe}\` works. It takes util-linux, and CAP_SYS_ADMIN or user namespaces: in a container, run it with --cap-add SYS_ADMIN --cap-add NET_ADMIN.`
  )
}
