import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { needProgram } from './debian.ts'
import { temporaryFolder } from './replicas.ts'

/** Where Debian's package has it, on every architecture: the linker knows what LIB is. */
const FAKETIME = '/usr/$LIB/faketime/libfaketime.so.1'

/** The clock of a machine, for the processes that are started with its `env`; it may be put while they run. */
export const machineClock = async (t: Parameters<typeof temporaryFolder>[0], seconds = 0) => {
  await needProgram(['faketime'], 'faketime')
  const file = join(temporaryFolder(t), 'clock')
  const put = (seconds: number) => {
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}s`)
    renameSync(`${file}.new`, file)
  }
  put(seconds)
  return {
    /** So many seconds before or behind the true time. */
    put,
    env: {
      // Steady clocks go on: a machine's clock that is set back does not touch them.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      LD_PRELOAD: FAKETIME,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: file
    }
  }
}
