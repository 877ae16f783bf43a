import { userInfo } from 'node:os'
import { type Config, loadConfig } from '../config/config.ts'
import { CommandFault, readCommandLine, runCommand } from '../core/command-line.ts'
import { closeOrder } from '../domain/orders/ledger/closing.ts'
import type { Entry } from '../domain/orders/ledger/entry.ts'
import { states } from '../domain/orders/orders.ts'
import { createAudit, openAuditStream } from '../observability/audit.ts'
import { useLedger } from './open-ledger.ts'

const STATES = [...new Set(Object.values(states))]

const { values, positionals } = readCommandLine({
  usage: `npm run orders -- list [--state STATE] [--customer ID] [--json]
npm run orders -- settle <order> --as succeeded --s3uid S3UID [--bucket NAME]
npm run orders -- settle <order> --as failed

Lists the orders of the ledger, or settles one whose outcome is not known, also while the gateway runs. Uses the settings of
the gateway. Find out first, in HOSTKEY's own pages, whether the account exists. A settled order is in the audit log.

  --state STATE   only orders in this state: ${STATES.join(', ')}
  --customer ID   only orders of this customer
  --json          one line of JSON for each order
  --as RESULT     succeeded: the account exists; failed: none was created, and the bucket name can be ordered again
  --s3uid S3UID   the account of the order
  --bucket NAME   actual name of its bucket (default: the requested name)
`,
  options: {
    state: { type: 'string' },
    customer: { type: 'string' },
    json: { type: 'boolean', default: false },
    as: { type: 'string' },
    s3uid: { type: 'string' },
    bucket: { type: 'string' }
  },
  // The command, and its order.
  maxArguments: 2
})

const invalid = (reason: string) => new CommandFault(`${reason} See: npm run orders -- --help`)

/** What an operator may see of an order: neither its key nor the texts of HOSTKEY. */
const toLine = ({ orderId, intent, state, createdAt, created, problem }: Entry) => ({
  orderId,
  state: states[state],
  customer: intent.tenant,
  planId: intent.requested.planId,
  bucketName: intent.requested.bucketName,
  location: intent.requested.location,
  createdAt: new Date(createdAt).toISOString(),
  s3uid: created?.s3uid,
  problem: created === undefined ? problem?.name : undefined
})

const COLUMNS = ['orderId', 'state', 'customer', 'planId', 'bucketName', 'createdAt', 's3uid', 'problem'] as const

const print = (entries: readonly Entry[]): void => {
  const lines = entries.map(toLine)
  if (values.json) for (const line of lines) console.log(JSON.stringify(line))
  else {
    const rows = [COLUMNS, ...lines.map(line => COLUMNS.map(column => String(line[column] ?? '-')))]
    const widths = COLUMNS.map((_, index) => Math.max(...rows.map(row => row[index]?.length ?? 0)))
    for (const row of rows)
      console.log(
        row
          .map((text, index) => text.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()
      )
  }
}

const list = async (config: Config): Promise<void> => {
  const { state, customer } = values
  if (state !== undefined && !STATES.some(known => known === state)) {
    throw invalid(`--state is one of ${STATES.join(', ')}.`)
  }
  const found = await useLedger(config, ledger => ledger.list())
  const isRequested = ({ state: current, intent }: Entry) =>
    (state ?? states[current]) === states[current] && (customer ?? intent.tenant) === intent.tenant
  print(found.map(({ entry }) => entry).filter(isRequested))
}

const settle = async (config: Config, orderId: string | undefined): Promise<void> => {
  const { as, s3uid, bucket } = values
  if (orderId === undefined) throw invalid('Name the order.')
  if (as !== 'succeeded' && as !== 'failed') throw invalid('--as is succeeded or failed.')
  if (as === 'failed' && (s3uid !== undefined || bucket !== undefined)) {
    throw invalid('--s3uid and --bucket belong to --as succeeded.')
  }
  if (s3uid !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(s3uid)) {
    throw invalid('--s3uid is 1 to 64 characters of A-Z a-z 0-9 _ -.')
  }
  // Before anything is changed: what cannot be audited is not done.
  const audit = createAudit(
    openAuditStream(config.auditLog, code => {
      if (code !== undefined) throw new CommandFault(`The audit log cannot be written (${code}).`)
    })
  )
  const entry = await useLedger(config, ledger => closeOrder(ledger, orderId, { as, s3uid, bucket }))
  audit.record({
    event: 'order.settled',
    outcome: as,
    orderId,
    authScheme: 'operator',
    caller: `user:${userInfo().username}`,
    customerId: Number(entry.intent.tenant) || undefined,
    s3uid: entry.created?.s3uid,
    target: entry.intent.requested.bucketName
  })
  process.stderr.write(`Order ${orderId} is settled: ${as}.\n`)
}

await runCommand(async () => {
  const [command, orderId] = positionals
  if (command !== 'list' && command !== 'settle') throw invalid('The command is list or settle.')
  if (command === 'list' && orderId !== undefined) throw invalid('list takes no argument.')
  const config = loadConfig(process.env)
  await (command === 'list' ? list(config) : settle(config, orderId))
})
