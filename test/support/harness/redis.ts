import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { RedisConnection } from '../../../src/store/index.ts'
import { findProgram, needProgram } from './debian.ts'
import type { Lifetime } from './lifetime.ts'
import { stablePort } from './stable-port.ts'

interface Options {
  /** More settings for redis.conf, such as `['--maxmemory', '2mb']`. */
  settings?: readonly string[]
}

/** 10 s: a start takes milliseconds, also on a busy machine. */
const START_MS = 10_000

/** The clock of Redis cannot be set: this shortens the life of all keys, and of marked members, instead. */
const AGE = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1])
  if string.find(key, ':live%-') then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZINCRBY', key, -ARGV[1], member) end
  end
end`

/** An append-only file, without which orders are refused. */
const DEFAULTS = [
  '--save',
  '',
  '--appendonly',
  'yes',
  '--appendfsync',
  'no',
  '--loglevel',
  'warning',
  '--daemonize',
  'no'
]

/** A Redis or Valkey for one test on a loopback port, from REDIS_SERVER_PATH or PATH; on Debian, as root, it is installed. */
export const redisServer = async (t: Lifetime, { settings = [] }: Options = {}) => {
  const program =
    process.env['REDIS_SERVER_PATH'] ?? (await needProgram(['redis-server', 'valkey-server'], 'redis-server'))
  const folder = await mkdtemp(join(tmpdir(), 'hks3-redis-'))
  const port = await stablePort()
  const url = `redis://127.0.0.1:${port}/0`
  let child: ChildProcess

  const start = async (more: readonly string[] = settings) => {
    // Empty, unless the test is about its file.
    if (!more.includes('--appendonly')) await rm(join(folder, 'appendonlydir'), { recursive: true, force: true })
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--logfile', join(folder, 'log')]
    const line = [...mortal(), program, ...own, ...DEFAULTS, ...more]
    child = spawn(line[0] ?? program, line.slice(1), { stdio: 'ignore' })
    preferred(child)
    const failed = once(child, 'error').then(([error]) => Promise.reject(error))
    await Promise.race([answers(port, child), failed]).catch(async error => {
      const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '')
      throw new Error(`${program} does not start: ${log.slice(-500)}`, { cause: error })
    })
  }
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const killAtExit = () => child.kill('SIGKILL')
  process.once('exit', killAtExit)
  t.after(async () => {
    process.off('exit', killAtExit)
    await kill()
    await rm(folder, { recursive: true, force: true })
  })
  await start()

  /** Sends one command. */
  const command = async (name: string, ...args: string[]): Promise<unknown> => {
    const client = new Redis(url, { lazyConnect: true, enableReadyCheck: false })
    try {
      return await client.call(name, ...args)
    } finally {
      client.disconnect()
    }
  }

  return {
    url,
    port,
    command,
    /** Keeps its connections open and answers nothing. */
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    /** Kills it; its data is lost. */
    kill,
    /** Starts it on the same port, empty. */
    start,
    async restart(more?: readonly string[]) {
      await kill()
      await start(more)
    },
    /** Makes all keys this much older. */
    age: (ms: number) => command('EVAL', AGE, '0', String(ms)),
    /** Every command that it receives from now on, with its arguments. */
    async listen(): Promise<string[]> {
      const lines: string[] = []
      const monitor = await new Redis(url, { lazyConnect: true }).monitor()
      monitor.on('monitor', (_time: string, args: string[]) => lines.push(args.join(' ')))
      t.after(async () => monitor.disconnect())
      return lines
    },
    /** Its whole content: each key with its value on one line. */
    dump: () => dumped(url)
  }
}

export type RedisServer = Awaited<ReturnType<typeof redisServer>>

/** A sentinel that watches a master, from the program of Redis. @returns its address */
export const redisSentinel = async (
  t: Lifetime,
  { masterPort, masterPassword, password }: { masterPort: number; masterPassword: string; password: string }
): Promise<{ address: string; command(name: string, ...args: string[]): Promise<unknown> }> => {
  const program =
    process.env['REDIS_SERVER_PATH'] ?? (await needProgram(['redis-server', 'valkey-server'], 'redis-server'))
  const folder = await mkdtemp(join(tmpdir(), 'hks3-sentinel-'))
  const port = await stablePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `logfile ${join(folder, 'log')}`,
    `requirepass ${password}`,
    `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`,
    `sentinel auth-pass mymaster ${masterPassword}`,
    'sentinel down-after-milliseconds mymaster 500',
    'sentinel failover-timeout mymaster 3000'
  ]
  const file = join(folder, 'sentinel.conf')
  await writeFile(file, `${lines.join('\n')}\n`)
  const line = [...mortal(), program, file, '--sentinel']
  const child = spawn(line[0] ?? program, line.slice(1), { stdio: 'ignore' })
  t.after(async () => {
    child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  await answers(port, child)
  const command = async (name: string, ...args: string[]): Promise<unknown> => {
    const client = new Redis({ port, password, lazyConnect: true, enableReadyCheck: false })
    try {
      return await client.call(name, ...args)
    } finally {
      client.disconnect()
    }
  }
  return { address: `127.0.0.1:${port}`, command }
}

/** How a store reaches this Redis. */
export const redisAt = (url: string, more: Partial<RedisConnection> = {}): RedisConnection => ({
  url,
  username: undefined,
  password: undefined,
  sentinels: [],
  sentinelMaster: 'mymaster',
  sentinelUsername: undefined,
  sentinelPassword: undefined,
  ca: undefined,
  certificate: undefined,
  key: undefined,
  timeoutMs: 250,
  ...more
})

/** High priority: other tests on this machine must not slow Redis down, which has a machine of its own in production. */
const preferred = ({ pid }: ChildProcess) => {
  try {
    if (pid !== undefined) setPriority(pid, -15)
  } catch {
    // Needs root.
  }
}

/** On Linux the server ends with the process of the test, also after a crash. */
const mortal = (): string[] => {
  const setpriv = findProgram('setpriv')
  return setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : []
}

/** Waits for the first PONG, or for a reply that reports loading. */
const answers = async (port: number, child: ChildProcess): Promise<void> => {
  const giveUpAt = performance.now() + START_MS
  while (performance.now() < giveUpAt && child.exitCode === null) {
    if (/^(\+PONG|-LOADING|-MASTERDOWN|-NOAUTH)/.test(await pong(port))) return
    await pause(10)
  }
  throw new Error('no answer to PING')
}

const pong = (port: number): Promise<string> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const settle = (text: string) => {
      socket.destroy()
      resolve(text)
    }
    socket.once('data', data => settle(String(data)))
    socket.once('error', () => settle(''))
    socket.once('close', () => settle(''))
  })

const dumped = async (url: string): Promise<string[]> => {
  const client = new Redis(url)
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    string: key => client.get(key),
    list: key => client.lrange(key, 0, -1),
    set: key => client.smembers(key),
    hash: key => client.hgetall(key),
    zset: key => client.zrange(key, '0', '-1', 'WITHSCORES'),
    stream: key => client.xrange(key, '-', '+')
  }
  try {
    return await Promise.all(
      (await client.keys('*')).sort().map(async key => {
        const type = await client.type(key)
        const read = readers[type]
        if (!read) throw new Error(`no way to print a ${type}: ${key}`)
        return `${key} ${JSON.stringify(await read(key))}`
      })
    )
  } finally {
    client.disconnect()
  }
}
