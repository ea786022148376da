import { once } from "node:events";
import { call } from "../live/vault-calls.js";
import type { RunningPostgres } from "../real-servers/postgresql.js";
import { startPsql } from "../sessions/postgres-fixture.js";
import type { RunningUse } from "./running-uses.js";

/**
 * A query of `psql` that goes on, by a session of a PostgreSQL service.
 * @param name that tells it from others at the server
 */
export async function beginQuery(
  address: string,
  { token, service, name }: { readonly token: string; readonly service: string; readonly name: string },
  postgres: RunningPostgres,
): Promise<RunningUse> {
  const answer = await call(address, "POST", `/postgres/${service}/session`, { token, body: "{}" });
  if (answer.status !== 200) throw new Error(`no session: ${answer.text}`);
  const { url } = answer.json as { url: string };
  const commands = [`SET application_name = '${name}'`, "SELECT pg_sleep(600)"];
  const client = startPsql({ url }, ...commands.flatMap((command) => ["-c", command]));
  let said = "";
  client.child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const isAsleep = async (): Promise<boolean> =>
    (await postgres.sql(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = '${name}' AND wait_event = 'PgSleep'`,
    )) === "1";
  const ended = once(client.child, "close").then(([code]) => `${String(code)} ${said}`);
  const check = async (): Promise<void> => {
    for (let round = 0; !(await isAsleep()); round += 1) {
      if (round === 100 || client.child.exitCode !== null) throw new Error(`it does not run: ${said}`);
    }
  };
  await check();
  return { kind: "PostgreSQL session", ended, check, close: () => void client.child.kill("SIGKILL") };
}
