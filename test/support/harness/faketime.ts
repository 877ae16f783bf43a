import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { needProgram } from './debian.ts'
import { temporaryFolder } from './replicas.ts'

/** The path in Debian's package; the dynamic linker replaces $LIB on each architecture. */
const FAKETIME = '/usr/$LIB/faketime/libfaketime.so.1'

/** A fake clock for processes that are started with its `env`; it can change while they run. */
export const machineClock = async (t: Parameters<typeof temporaryFolder>[0], seconds = 0) => {
  await needProgram(['faketime'], 'faketime')
  const file = join(temporaryFolder(t), 'clock')
  const put = (seconds: number) => {
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}s`)
    renameSync(`${file}.new`, file)
  }
  put(seconds)
  return {
    /** Offset to the true time in seconds. */
    put,
    env: {
      // A change of a machine's clock does not affect monotonic clocks.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      LD_PRELOAD: FAKETIME,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_TIMESTAMP_FILE: file
    }
  }
}
