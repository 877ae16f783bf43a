import type { DatabaseSync } from 'node:sqlite'
import type { CountedJob, JobProblem, JobRecord, JobResult, JobState } from './jobs.ts'
import { NewerRecord, readRecord } from './record-format.ts'

/** A removed credential is overwritten: no copy of it remains in a free page. */
export const SCHEMA = `
  PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, job_id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, target TEXT NOT NULL, key_hash TEXT,
    state TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER, credential TEXT, record TEXT NOT NULL,
    found INTEGER NOT NULL, verdicts TEXT NOT NULL, events INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_key ON jobs (tenant, key_hash) WHERE key_hash IS NOT NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_target ON jobs (target) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS jobs_by_tenant ON jobs (tenant, id);
  CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS items (
    job INTEGER NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, is_sent INTEGER NOT NULL, verdict TEXT, problem TEXT,
    PRIMARY KEY (job, seq)) WITHOUT ROWID, STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS items_by_key ON items (job, key);
  CREATE INDEX IF NOT EXISTS items_by_verdict ON items (job, verdict, seq);
  CREATE TABLE IF NOT EXISTS events (
    job INTEGER NOT NULL, id INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (job, id)) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS unrecorded (job INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS queue (
    job_id TEXT PRIMARY KEY, run_at INTEGER NOT NULL, leased_until INTEGER NOT NULL, owner TEXT NOT NULL) STRICT;
`

/** Rows of removed jobs are removed in parts, so that no request waits long for it. */
export const SWEEP = 1000

export const statementsOf = (database: DatabaseSync) => ({
  insert: database.prepare(
    `INSERT INTO jobs (job_id, tenant, target, key_hash, state, created_at, credential, record, found, verdicts, events)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '{}', 0)`
  ),
  byId: database.prepare('SELECT * FROM jobs WHERE job_id = ?'),
  byKey: database.prepare('SELECT * FROM jobs WHERE tenant = ? AND key_hash = ?'),
  byTarget: database.prepare('SELECT job_id FROM jobs WHERE target = ? AND ended_at IS NULL'),
  list: database.prepare(
    `SELECT * FROM jobs WHERE tenant = ? AND (? IS NULL OR id < (SELECT id FROM jobs WHERE job_id = ?))
     AND (? IS NULL OR state = ?) AND (? IS NULL OR record ->> 's3uid' IN (SELECT value FROM json_each(?)))
     AND (? IS NULL OR record ->> 'madeBy' = ?) ORDER BY id DESC LIMIT ?`
  ),
  update: database.prepare('UPDATE jobs SET state = ?, ended_at = ?, credential = ?, record = ? WHERE id = ?'),
  running: database.prepare("SELECT count(*) AS n FROM jobs WHERE tenant = ? AND state = 'running'"),
  count: database.prepare('UPDATE jobs SET found = ?, verdicts = ? WHERE id = ?'),
  insertItem: database.prepare('INSERT OR IGNORE INTO items VALUES (?, ?, ?, 0, NULL, NULL)'),
  open: database.prepare(
    'SELECT seq, key, is_sent FROM items WHERE job = ? AND verdict IS NULL AND seq > ? ORDER BY seq LIMIT ?'
  ),
  mark: database.prepare('UPDATE items SET is_sent = ? WHERE job = ? AND seq = ?'),
  settle: database.prepare('UPDATE items SET verdict = ?, problem = ? WHERE job = ? AND seq = ? AND verdict IS NULL'),
  settleRest: database.prepare('UPDATE items SET verdict = ?, problem = ? WHERE job = ? AND verdict IS NULL'),
  verdictOf: database.prepare('SELECT verdict FROM items WHERE job = ? AND key = ?'),
  results: database.prepare(
    'SELECT seq, key, verdict, problem FROM items WHERE job = ? AND seq > ? AND verdict IS NOT NULL ORDER BY seq LIMIT ?'
  ),
  resultsOf: database.prepare(
    'SELECT seq, key, verdict, problem FROM items WHERE job = ? AND verdict = ? AND seq > ? ORDER BY seq LIMIT ?'
  ),
  nextEvent: database.prepare('UPDATE jobs SET events = events + 1 WHERE id = ? RETURNING events'),
  addEvent: database.prepare('INSERT INTO events VALUES (?, ?, ?)'),
  events: database.prepare('SELECT id, data FROM events WHERE job = ? AND id > ? ORDER BY id LIMIT ?'),
  listOpen: database.prepare('SELECT * FROM jobs WHERE ended_at IS NULL'),
  addUnrecorded: database.prepare('INSERT OR IGNORE INTO unrecorded VALUES (?)'),
  listUnrecorded: database.prepare(`SELECT jobs.* FROM unrecorded JOIN jobs ON job = id LIMIT ${SWEEP}`),
  recorded: database.prepare('DELETE FROM unrecorded WHERE job = (SELECT id FROM jobs WHERE job_id = ?)'),
  ended: database.prepare('SELECT id FROM jobs WHERE ended_at < ? LIMIT 1'),
  sweepItems: database.prepare(
    `DELETE FROM items WHERE job = ? AND seq IN (SELECT seq FROM items WHERE job = ? LIMIT ${SWEEP})`
  ),
  sweepEvents: database.prepare('DELETE FROM events WHERE job = ?'),
  remove: database.prepare('DELETE FROM jobs WHERE id = ?'),
  enqueue: database.prepare(
    "INSERT INTO queue VALUES (?, ?, 0, '') ON CONFLICT (job_id) DO UPDATE SET run_at = excluded.run_at"
  ),
  due: database.prepare(
    'SELECT job_id FROM queue WHERE run_at <= ? AND (leased_until <= ? OR leased_until > ?) ORDER BY run_at LIMIT ?'
  ),
  lease: database.prepare('UPDATE queue SET leased_until = ?, owner = ? WHERE job_id = ?'),
  renew: database.prepare('UPDATE queue SET leased_until = ? WHERE owner = ?'),
  postpone: database.prepare(
    "UPDATE queue SET leased_until = 0, run_at = ?, owner = '' WHERE job_id = ? AND owner = ?"
  ),
  dequeue: database.prepare('DELETE FROM queue WHERE job_id = ? AND owner = ? AND run_at <= ?')
})

export type Statements = ReturnType<typeof statementsOf>

export interface Row {
  id: number
  state: JobState
  credential: string | null
  record: string
  found: number
  verdicts: string
  events: number
}

export const toJob = ({ record, state, found, verdicts, events }: Row): CountedJob => ({
  ...readRecord<JobRecord>(record, 'a job'),
  state,
  found,
  verdicts: JSON.parse(verdicts),
  lastEventId: events
})

/** Without those of a newer version. */
export const toKnownJobs = (rows: readonly unknown[]): CountedJob[] =>
  rows.flatMap(row => {
    try {
      return toJob(row as Row)
    } catch (error) {
      if (error instanceof NewerRecord) return []
      throw error
    }
  })

export const toResult = ({ seq, key, verdict, problem }: Record<string, unknown>): JobResult => ({
  seq: Number(seq),
  key: String(key),
  verdict: String(verdict),
  ...(typeof problem === 'string' && { problem: JSON.parse(problem) as JobProblem })
})
