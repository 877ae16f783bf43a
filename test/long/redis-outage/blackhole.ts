import { execFileSync } from 'node:child_process'
import { findProgram } from '../../support/harness/debian.ts'

/**
 * Drops every packet from and to a port of this network namespace, of new and established connections. The sender gets
 * no error, as after a cut wire.
 */
export const blackhole = (port: number) => {
  const nft = (...commands: string[]) =>
    execFileSync(findProgram('nft') ?? 'nft', ['-j', commands.join('; ')], { encoding: 'utf8' })
  return {
    open: () =>
      nft(
        'add table inet blackhole',
        'add chain inet blackhole arriving { type filter hook input priority 0; policy accept; }',
        `add rule inet blackhole arriving tcp dport ${port} counter drop`,
        `add rule inet blackhole arriving tcp sport ${port} counter drop`
      ),
    /** @returns how many packets were lost on the way there, and on the way back */
    close: () => {
      const lost = [...nft('list table inet blackhole').matchAll(/"packets": ?(\d+)/g)].map(([, packets]) =>
        Number(packets)
      )
      nft('delete table inet blackhole')
      return lost
    }
  }
}
