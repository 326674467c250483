/** The schema of the store, step by step. A step that was published is never changed. */
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as SiteHost from "../crawl/SiteHost.ts"

const statements = (...texts: ReadonlyArray<string>) => texts

const steps = {
  "1_targets": statements(
    // state: 0 pending, 1 saved, 2 unchanged, 3 refused, 4 failed. due, next, paused: milliseconds since the epoch.
    // duration: milliseconds of the last attempt; of what waits for another, of all with their waits, where that is bounded.
    // path: only where it is not the pure function of the URL; claim: that path, folded.
    `CREATE TABLE target (
      url TEXT PRIMARY KEY, list INTEGER NOT NULL, run INTEGER NOT NULL, state INTEGER NOT NULL,
      due BIGINT NOT NULL DEFAULT 0,
      lease INTEGER, attempts INTEGER NOT NULL, path TEXT, final_url TEXT, status INTEGER, bytes BIGINT, sha256 TEXT,
      etag TEXT, modified TEXT, validator TEXT, total BIGINT, duration BIGINT, error TEXT, claim TEXT
    )`,
    `CREATE INDEX target_open ON target (list, state, due) WHERE state = 0 OR state >= 3`,
    `CREATE INDEX target_claim ON target (claim) WHERE claim IS NOT NULL`,
    `CREATE TABLE list (id INTEGER PRIMARY KEY, bytes BIGINT NOT NULL, lines BIGINT NOT NULL, sha256 TEXT NOT NULL,
      targets BIGINT NOT NULL)`,
    `CREATE TABLE host (host TEXT PRIMARY KEY, next BIGINT NOT NULL, paused BIGINT NOT NULL, strikes INTEGER NOT NULL)`,
    `CREATE TABLE run (id INTEGER PRIMARY KEY, boot TEXT NOT NULL, durability TEXT NOT NULL, started BIGINT NOT NULL,
      trusted INTEGER NOT NULL DEFAULT 0)`
  ),
  "2_archives": statements(
    // record: the place of the body where it is no file. bytes: the committed length of the archive, 0 when it is about
    // to be made.
    `ALTER TABLE target ADD COLUMN record TEXT`,
    `CREATE TABLE archive (name TEXT PRIMARY KEY, bytes BIGINT NOT NULL)`
  ),
  "3_crawls": statements(
    // depth, site, key: of targets that a crawl found. Their `due` is their depth until they have to wait: so the index
    // gives the nearest to a seed first. key: what tells that two URLs are one page, where that is not the URL itself.
    `ALTER TABLE target ADD COLUMN depth INTEGER`,
    `ALTER TABLE target ADD COLUMN site INTEGER`,
    `ALTER TABLE target ADD COLUMN key TEXT`,
    `CREATE UNIQUE INDEX target_page ON target (COALESCE(key, url)) WHERE depth IS NOT NULL`,
    `CREATE TABLE site (id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE)`,
    `CREATE INDEX target_site ON target (list, site, due) WHERE state = 0 AND lease IS NULL AND site IS NOT NULL`,
    `CREATE INDEX target_lease ON target (lease) WHERE lease IS NOT NULL`,
    // found: its targets; ended: those with an outcome; saved: those with a body. Counted by each commit, for to count ten
    // million rows takes seconds.
    // rules: those by which its pages were read for links.
    `CREATE TABLE crawl (list INTEGER PRIMARY KEY, found BIGINT NOT NULL, ended BIGINT NOT NULL, saved BIGINT NOT NULL,
      rules TEXT)`
  ),
  "4_politeness": statements(
    // delay: between two starts as it was kept last; crawl_delay: of that, what the host wants; learned: what its answers'
    // times made of it. asked: it wanted the pause itself. fault: what the last strike was for.
    `ALTER TABLE host ADD COLUMN delay BIGINT NOT NULL DEFAULT 0`,
    `ALTER TABLE host ADD COLUMN crawl_delay BIGINT NOT NULL DEFAULT 0`,
    `ALTER TABLE host ADD COLUMN learned DOUBLE PRECISION`,
    `ALTER TABLE host ADD COLUMN asked INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE host ADD COLUMN fault TEXT NOT NULL DEFAULT ''`,
    // asked: when; kind: 0 rules, 1 unavailable, 2 unreachable; body: of rules; fault: of unreachable.
    `CREATE TABLE robots (host TEXT PRIMARY KEY, asked BIGINT NOT NULL, kind INTEGER NOT NULL, body BLOB, fault TEXT)`,
    // ended: it had time to write down all that it knew.
    `ALTER TABLE run ADD COLUMN ended BIGINT`,
    // resource: a page needs it to be shown. noindex: it asks not to be indexed.
    `ALTER TABLE target ADD COLUMN resource INTEGER`,
    `ALTER TABLE target ADD COLUMN noindex INTEGER`,
    // most: that are saved.
    `ALTER TABLE crawl ADD COLUMN most BIGINT`
  ),
  "5_frontier": statements(
    // nearer: set on a saved page that was found nearer to a seed than it was when its links were followed.
    `ALTER TABLE target ADD COLUMN nearer INTEGER`,
    `CREATE INDEX target_nearer ON target (list) WHERE nearer IS NOT NULL`,
    // A page is known by its URL or, where that is not its key, by its key: a second index over all URLs costs as much as
    // all else that an insert does.
    `DROP INDEX target_page`,
    `CREATE UNIQUE INDEX target_key ON target (key) WHERE key IS NOT NULL`,
    // What is known of the targets whose URLs are alike. caught: they have no end.
    `CREATE TABLE pattern (pattern TEXT PRIMARY KEY, pages INTEGER NOT NULL, contents INTEGER NOT NULL,
      caught INTEGER NOT NULL, latest TEXT NOT NULL)`,
    `CREATE INDEX pattern_pages ON pattern (caught, pages)`
  ),
  "6_types": statements(
    // type: the Content-Type that the body of a crawl came with.
    `ALTER TABLE target ADD COLUMN type TEXT`
  ),
  "7_captures": statements(
    // A record of an answer, in the gzip member of `length` bytes at byte `start` of an archive. surt: its URL as indexes
    // sort it; date: milliseconds since the epoch; type: of its body; digest: of its payload, which a revisit has not in it.
    `CREATE TABLE capture (archive INTEGER NOT NULL, start BIGINT NOT NULL, length BIGINT NOT NULL, url TEXT NOT NULL,
      surt TEXT NOT NULL, date BIGINT NOT NULL, status INTEGER NOT NULL, type TEXT NOT NULL, digest TEXT NOT NULL,
      revisit INTEGER NOT NULL, PRIMARY KEY (archive, start))`,
    `CREATE INDEX capture_digest ON capture (digest) WHERE revisit = 0`,
    `CREATE INDEX capture_surt ON capture (surt, date, archive, start)`,
    // The index as a file, while it is up to date: then there is one row.
    `CREATE TABLE indexed (bytes BIGINT NOT NULL, sha256 TEXT NOT NULL)`
  ),
  "8_parts": statements(
    // A start asks which parts there are, and should not look through all targets for them.
    `CREATE INDEX target_part ON target (url) WHERE validator IS NOT NULL`
  ),
  "9_priorities": statements(
    // What has more comes first on its site: `due` is less for it. priorities: those that the targets have theirs by.
    `ALTER TABLE target ADD COLUMN priority INTEGER NOT NULL DEFAULT 0`,
    `ALTER TABLE crawl ADD COLUMN priorities TEXT`
  ),
  "10_hosts": statements(
    // host: that of its origin, as a crawl tells hosts apart. saved: its targets that are.
    `ALTER TABLE site ADD COLUMN host TEXT NOT NULL DEFAULT ''`,
    `ALTER TABLE site ADD COLUMN saved BIGINT NOT NULL DEFAULT 0`,
    `CREATE INDEX site_host ON site (host)`,
    // of each host: that are saved. What is beyond has the lease 0, and so is passed over.
    `ALTER TABLE crawl ADD COLUMN most_of_host BIGINT`,
    `UPDATE site SET saved = counted.saved FROM (SELECT site AS id, COUNT(*) AS saved FROM target
      WHERE site IS NOT NULL AND state IN (1, 2) GROUP BY site) AS counted WHERE counted.id = site.id`
  ),
  "11_priorities": statements(
    // In sixteenths of what the user gave: what a sitemap says comes between.
    `UPDATE target SET priority = 16 * priority, due = CASE WHEN state = 0 AND due <= 1000000000
      THEN depth - 100000 * 16 * priority ELSE due END WHERE priority <> 0`
  ),
  "12_sitemaps": statements(
    // They are nearer than seeds. What a seed needs to be shown looked the same, and may be as near.
    `UPDATE target SET depth = -4, due = CASE WHEN state = 0 AND due <= 1000000000 THEN due - 4 ELSE due END
      WHERE (state = 0 OR state >= 3) AND resource = 1 AND depth = 0
      AND list IN (SELECT list FROM crawl WHERE json_extract(rules, '$[5]') = 1)`
  ),
  "13_cuts": statements(
    // cut: only a part of its payload came. Of earlier ones nobody knows; they are looked at before they are referred to.
    `ALTER TABLE capture ADD COLUMN cut INTEGER NOT NULL DEFAULT 0`
  ),
  "14_due": statements(
    // What waits of a list, in turn: nothing is sorted or passed over. A crawl has `target_site`.
    `CREATE INDEX target_due ON target (list, due) WHERE state = 0 AND lease IS NULL AND site IS NULL`
  ),
  "15_lent": statements(
    // Targets of the crawl that lists asked for: they are rows of those until the crawl is opened again.
    `CREATE TABLE lent (url TEXT PRIMARY KEY, depth INTEGER NOT NULL, resource INTEGER, priority INTEGER NOT NULL)`
  ),
  "16_refreshes": statements(
    // The run in which a refresh of it began that has not come to its end.
    `ALTER TABLE list ADD COLUMN refresh INTEGER`
  ),
  "17_long_pages": statements(
    // Links of it are beyond what is read of a page.
    `ALTER TABLE target ADD COLUMN links_cut INTEGER`
  ),
  "18_untried": statements(
    // Not of what a crawl found and has not tried: `target_site` has that, and each page would go into both and out again.
    `DROP INDEX target_open`,
    `CREATE INDEX target_open ON target (list, state, due)
      WHERE state >= 3 OR (state = 0 AND (site IS NULL OR due > 1000000000))`
  ),
  "19_begun": statements(
    // Lists that were begun, and that no run has come to the end of since.
    `CREATE TABLE begun (name TEXT PRIMARY KEY)`
  ),
  "20_invalid": statements(
    // A line that is no URL has a state of its own, 6: it is not tried again, and must not be looked at to know it.
    `UPDATE target SET state = 6 WHERE (state >= 3 OR (state = 0 AND (site IS NULL OR due > 1000000000)))
      AND state = 4 AND error LIKE '%"InvalidUrl"%'`
  ),
  "21_hops": statements(
    // hop: of what waits, where redirects have led it, and digests of the way there. Another run begins anew.
    `ALTER TABLE target ADD COLUMN hop TEXT`
  )
}

/** What a step does besides with the rows that it finds. A new store has none. */
const rows: { readonly [step in keyof typeof steps]?: Effect.Effect<void, SqlError, SqlClient.SqlClient> } = {
  "10_hosts": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const { id, origin } of yield* sql<{ id: number; origin: string }>`SELECT id, origin FROM site`)
      yield* sql`UPDATE site SET host = ${SiteHost.of(new URL(origin))} WHERE id = ${id}`
  })
}

/** The steps, as the migrator takes them. */
export const migrations = Record.map(steps, (texts, step) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.andThen(
      Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true }),
      rows[step] ?? Effect.void
    )
  )
)

/** Number and name of each step, as the migrator notes them. */
const done = Object.keys(steps).map((step) => {
  const [, id, name] = /^(\d+)_(.+)$/.exec(step)!
  return { id: Number(id), name: name! }
})

/** The number of the last step. */
export const latest = Math.max(...done.map(({ id }) => id))

/** Gives a row for a database with tables, of which none is of a store: the migrator makes its own before the first step. */
export const foreign = `SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
  HAVING SUM(name <> 'migration') > 0 AND SUM(name = 'target') = 0`

/**
 * What the migrator makes of a store that is new, for SQLite to run at once: 2 ms in place of 15, for nothing is asked or
 * read between the statements.
 */
export const initial = [
  `CREATE TABLE "migration" (
  migration_id integer PRIMARY KEY NOT NULL,
  created_at datetime NOT NULL DEFAULT current_timestamp,
  name VARCHAR(255) NOT NULL
)`,
  ...Object.values(steps).flat(),
  `INSERT INTO migration (migration_id, name) VALUES ${done.map(({ id, name }) => `(${id}, '${name}')`).join(", ")}`
].join(";\n")
