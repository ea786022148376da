import { spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { clientEnvironment, psql, startPostgresFixture, type PostgresFixture } from "./postgres-fixture.js";

/** About 100 MB in the form that pg_dump writes: hexadecimal digits. */
const ROWS = 50_000;
const BYTES_A_ROW = 1024;
const SIZE = 100_000_000;

let fixture: PostgresFixture;

beforeAll(async () => {
  fixture = await startPostgresFixture();
  await fixture.server.sql(
    `SET ROLE scram_user; CREATE TABLE big AS SELECT n, decode(repeat(md5(n::text), ${String(BYTES_A_ROW / 16)}), 'hex') AS bytes ` +
      `FROM generate_series(1, ${String(ROWS)}) AS n`,
    "app",
  );
});
afterEach(() => fixture.closeSessions());
afterAll(() => fixture.stop());

/** Runs two programs with the first one's output as the second one's input, and counts the bytes between. */
async function pipe(
  [from, ...fromArgs]: readonly [string, ...string[]],
  [to, ...toArgs]: readonly [string, ...string[]],
): Promise<number> {
  const env = clientEnvironment();
  const source = spawn(from, fromArgs, { env, stdio: ["ignore", "pipe", "inherit"] });
  const sink = spawn(to, toArgs, { env, stdio: ["pipe", "ignore", "inherit"] });
  const ends = Promise.all([once(source, "close"), once(sink, "close")]);
  let bytes = 0;
  await pipeline(
    source.stdout,
    async function* count(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length;
        yield chunk;
      }
    },
    sink.stdin,
  );
  expect(await ends).toEqual([
    [0, null],
    [0, null],
  ]);
  return bytes;
}

const CHECKSUM = "SELECT count(*), md5(string_agg(md5(bytes), '' ORDER BY n)) FROM big";

test.each([
  { format: "plain", restore: ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"] },
  { format: "custom", restore: ["pg_restore", "--no-owner", "--exit-on-error"] },
] as const)("100 MB go out by pg_dump and in by $restore.0 at once", async ({ format, restore }) => {
  await fixture.server.sql(`CREATE DATABASE copy_${format} OWNER scram_user`);
  const from = await fixture.open("scram_user");
  const to = await fixture.open("scram_user", { postgres_db: `copy_${format}` });
  // Compressed, the bytes would be a few.
  const dump = [
    "pg_dump",
    "--no-owner",
    `--format=${format}`,
    "--compress=0",
    `--dbname=${from.url}`,
  ] as const;
  const bytes = await pipe(dump, [...restore, `--dbname=${to.url}`]);
  expect(bytes).toBeGreaterThan(SIZE);
  expect(await psql(to, "-c", CHECKSUM)).toBe(await psql(from, "-c", CHECKSUM));
  expect([...from.failures, ...to.failures]).toEqual([]);
});
