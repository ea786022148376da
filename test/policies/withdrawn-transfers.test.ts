import { afterAll, beforeAll, expect, test } from "vitest";
import { wait } from "../live/raw-sockets.js";
import { addService, call, makeToken } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import {
  POSTGRES_DATABASE,
  POSTGRES_USERS,
  startPostgres,
  type RunningPostgres,
} from "../real-servers/postgresql.js";
import { startSshVault, type SshVault } from "../ssh/ssh-vault.js";
import { beginQuery } from "./running-query.js";
import { beginDownload, beginUpload, storeDownloadedFile } from "./running-transfers.js";

/** What is promised, and what this machine's two processors may need beside it. */
const BOUND_MS = 1000 + 250;
const RULES = [{ service: ["db", "box"] }];
const EXPIRES_AFTER_MS = 6000;

let vault: SshVault;
let sshd: RunningSshd;
let postgres: RunningPostgres;
beforeAll(async () => {
  [vault, sshd, postgres] = await Promise.all([
    startSshVault(),
    startSshd({ login: "password" }),
    startPostgres(),
  ]);
  await Promise.all([storeDownloadedFile({ sshd }), vault.addService("box", sshd)]);
  await addService(vault.server, vault.admin, {
    ...{ name: "db", allow_private: true, tls_ca: postgres.ca() },
    auth: {
      ...{ type: "postgres", postgres_host: "127.0.0.1", postgres_port: postgres.port },
      ...{ postgres_user: "scram_user", postgres_password: POSTGRES_USERS.scram_user.password },
      postgres_db: POSTGRES_DATABASE,
    },
  });
});
afterAll(async () => {
  await vault.close();
  await Promise.all([sshd.stop(), postgres.stop()]);
});

/** @returns when it was asked for */
async function asAdmin(method: string, path: string, body: object = {}): Promise<number> {
  const asked = performance.now();
  const { admin: token, server } = vault;
  const answer = await call(server.address, method, path, { token, body: JSON.stringify(body) });
  expect([200, 201], answer.text).toContain(answer.status);
  return asked;
}
const tokenWith = (policy: object | string, more: object = {}): Promise<string> =>
  makeToken(vault.server, vault.admin, { policy, ...more });

interface Case {
  readonly victim: string;
  /** Resolves when it has to take effect, with the time when that was asked for. */
  readonly withdraw: () => Promise<number>;
  /** Of an upload that was under way. */
  readonly status: number;
}

test.each<[string, () => Promise<Case>]>([
  [
    "its token is revoked",
    async () => {
      const victim = await tokenWith({ rules: RULES });
      return { victim, withdraw: () => asAdmin("DELETE", `/tokens/${victim}`), status: 401 };
    },
  ],
  [
    "its policy becomes narrower",
    async () => {
      await asAdmin("POST", "/policies", { name: "narrowed", rules: RULES });
      const rules = [{ service: "box", actions: ["upload", "download"], remote_paths: ["/elsewhere"] }];
      return {
        victim: await tokenWith("narrowed"),
        withdraw: () => asAdmin("PUT", "/policies/narrowed", { rules }),
        status: 403,
      };
    },
  ],
  [
    "its token expires",
    async () => {
      const expiresAt = Date.now() + EXPIRES_AFTER_MS;
      const expires_at = new Date(expiresAt).toISOString();
      return {
        victim: await tokenWith({ rules: RULES }, { expires_at }),
        withdraw: () => wait(expiresAt - Date.now()).then(() => performance.now()),
        status: 401,
      };
    },
  ],
])(
  "a query, an upload and a download end within a second, and none looks as if it were whole, when %s",
  { timeout: 30_000 },
  async (name, prepare) => {
    const { victim, withdraw, status } = await prepare();
    const other = await tokenWith({ rules: RULES });
    const box = { vault, sshd, service: "box" };
    const begin = (token: string, mark: string) =>
      Promise.all([
        beginQuery(vault.server.address, { token, service: "db", name: mark }, postgres),
        beginUpload(box, token, mark.replaceAll(" ", "-")),
        beginDownload(box, token),
      ]);
    const [lost, kept] = await Promise.all([
      begin(victim, `lost as ${name}`),
      begin(other, `kept as ${name}`),
    ]);
    const [query, upload, download] = lost;
    const endOf = async (ended: Promise<string>): Promise<{ how: string; at: number }> => ({
      how: await ended,
      at: performance.now(),
    });
    const ends = Promise.all([endOf(query.ended), endOf(upload.ended)]);
    const since = await withdraw();
    for (const { at } of await ends) {
      expect(at - since).toBeLessThan(BOUND_MS);
      // A time that was set has to come first.
      expect(at - since).toBeGreaterThan(-100);
    }
    // Nothing of it is read before: what had not been sent by then does not come.
    await wait(BOUND_MS - (performance.now() - since));
    download.readOn();
    expect([(await ends).map(({ how }) => how), await download.ended]).toEqual([
      [expect.stringMatching(/^2 .*(?:FATAL|server closed the connection)/s), String(status)],
      "broken off",
    ]);
    for (const use of kept) {
      await use.check();
      use.close();
    }
  },
);
