import { Redis } from 'ioredis'
import t from 'tap'
import { createRedisStore } from '../../../src/store/redis.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { redisAt, redisSentinel, redisServer } from '../../support/harness/redis.ts'

const LIFE_MS = 60_000
/** Sentinel notices the end of a master after 500 ms, and takes some seconds to make a replica the new one. */
const FAILOVER_MS = 40_000

t.test('a store behind Sentinel', async t => {
  const password = 'of-redis'
  const withPassword = ['--requirepass', password, '--masterauth', password]
  // By default a master waits for more replicas, for 5 s, before it sends what it has.
  const master = await redisServer(t, { settings: [...withPassword, '--repl-diskless-sync-delay', '0'] })
  const replica = await redisServer(t, { settings: [...withPassword, '--replicaof', `127.0.0.1 ${master.port}`] })
  const sentinel = await redisSentinel(t, {
    masterPort: master.port,
    masterPassword: password,
    password: 'of-sentinel'
  })
  const replicas = async () => ((await sentinel.command('SENTINEL', 'REPLICAS', 'mymaster')) as unknown[]).length
  t.ok(await eventually(async () => (await replicas()) === 1, FAILOVER_MS))

  const reports: (string | undefined)[] = []
  const [host = '', port] = sentinel.address.split(':')
  const connection = redisAt('redis://any.example', {
    password,
    sentinels: [{ host, port: Number(port) }],
    sentinelPassword: 'of-sentinel'
  })
  const store = await createRedisStore(connection, { store: fault => reports.push(fault?.cause) })
  t.after(() => store.close())
  t.equal(await store.check(), undefined)
  await store.durable.put('order', 'value', LIFE_MS)

  t.test('uses the new master after a failover, and has what the old one had', async t => {
    // Replication is asynchronous: what the replica has not received before the end of the master is lost.
    const client = new Redis({ port: replica.port, password })
    t.ok(await eventually(async () => (await client.get('hks3:order')) === 'value', FAILOVER_MS))
    client.disconnect()
    await master.kill()
    await t.rejects(store.put('a', 'b', LIFE_MS))
    const isBack = async () =>
      store.durable.put('after', 'value', LIFE_MS).then(
        () => true,
        () => false
      )
    t.ok(await eventually(isBack, FAILOVER_MS))
    t.equal(await store.durable.get('order'), 'value')
    t.ok(await eventually(() => reports.at(-1) === undefined && reports.length > 0))
    t.notOk(reports.includes('sentinel'), 'the sentinels have answered all the time')
  })

  t.test('a name that no sentinel knows, or a wrong password of theirs, is explained', async t => {
    for (const wrong of [{ sentinelMaster: 'nobody' }, { sentinelPassword: 'wrong' }]) {
      const other = await createRedisStore({ ...connection, ...wrong })
      t.match(await other.check(), { cause: 'sentinel', detail: /REDIS_SENTINEL_MASTER and REDIS_SENTINEL_PASSWORD/ })
      await other.close()
    }
  })
})
