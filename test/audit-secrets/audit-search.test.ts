import { appendFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli, PASSWORD, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { addService, call, makeToken, unlock } from "../live/vault-calls.js";
import { secretInAudit } from "./audit-search.js";
import { createByteSearch } from "./byte-search.js";
import { usedSecrets } from "./used-secrets.js";

const PLANTED = "s3cret/of+a service=";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  directory = await temporaryDirectory();
});
afterAll(() => directory.remove());

describe("the search", () => {
  test("finds one of many needles exactly where a search for each of them does", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 8, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(word),
        fc.string({ unit: fc.constantFrom("a", "b", "é") }),
        word,
        (needles, text, hidden) => {
          for (const whole of [text, text + hidden + text]) {
            const found = createByteSearch([...needles, hidden]).in(Buffer.from(whole));
            expect(found !== undefined).toBe([...needles, hidden].some((needle) => whole.includes(needle)));
            if (found !== undefined) expect(whole).toContain(found);
          }
        },
      ),
    );
  });

  test("looks for 10,000 secrets in 8 MB in two seconds of processor time", async () => {
    const path = join(directory.path, "large");
    await mkdir(path);
    const line = `${JSON.stringify({ action: "proxy", path: "/items/1", token: "tok_AbCdEfGh", prev: "x".repeat(43) })}\n`;
    await writeFile(join(path, "audit.jsonl"), line.repeat((8 * 1024 * 1024) / line.length));
    const secrets = Array.from({ length: 10_000 }, (_, number) => `the secret of ${number}`);
    const before = process.cpuUsage();
    expect(await secretInAudit(path, secrets)).toBeUndefined();
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000);
    await appendFile(join(path, "audit.jsonl"), "the secret of 9999");
    expect(await secretInAudit(path, secrets)).toEqual({ file: "audit.jsonl", start: "the " });
  });

  test.each([
    ["as it is", PLANTED],
    ["percent-encoded", encodeURIComponent(PLANTED)],
    ["in base64", Buffer.from(PLANTED).toString("base64")],
    ["in base64url behind a name", Buffer.from(`user:${PLANTED}`).toString("base64url")],
    ["in hex", Buffer.from(PLANTED).toString("hex")],
    ["in hex, in capitals, behind a name", Buffer.from(`user:${PLANTED}`).toString("hex").toUpperCase()],
    ["in base64 of another beginning", Buffer.from(`ab${PLANTED}`).toString("base64")],
  ])("finds a secret %s, in a rotated file too", async (_, written) => {
    const path = join(directory.path, "rotated");
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "audit.jsonl"), "{}\n");
    await writeFile(join(path, "audit.1.jsonl"), `{"path":"/${written}/x"}\n`);
    expect(await secretInAudit(path, [PLANTED])).toMatchObject({ file: "audit.1.jsonl" });
    expect(await secretInAudit(path, ["something else"])).toBeUndefined();
  });

  test.each([
    ["a token", `tok_${"A".repeat(43)}`],
    ["a recovery key", "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ-0123"],
    ["a private key", ["-----BEGIN", "PRIVATE KEY-----"].join(" ")],
    ["a JWT", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0xyz.c2ln"],
  ])("knows %s by its form", async (_, written) => {
    const path = join(directory.path, "forms");
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "audit.jsonl"), `{"path":"/${written}"}\n`);
    expect(await secretInAudit(path)).toMatchObject({ start: written.slice(0, 4) });
    await writeFile(
      join(path, "audit.jsonl"),
      `{"token":"tok_AbCdEfGh","request_id":"45fa3e5a-9c8a-4d22-b524","prev":"Zz9tok_${"x".repeat(36)}"}\n`,
    );
    expect(await secretInAudit(path)).toBeUndefined();
  });
});

describe("a server that a test started", () => {
  const plant = async (server: RunningServer, text: string): Promise<void> =>
    appendFile(join(server.dataDir, "audit.jsonl"), `{"path":"/${text}"}\n`);
  const start = (name: string): Promise<RunningServer> =>
    startServer({ dataDir: join(directory.path, name) });
  const definition = (token: string): object => ({
    name: "api",
    base_url: "https://api.example.com",
    auth: { type: "bearer", token },
  });

  test("fails its test at its end if a secret stands in its audit log, and says which file", async () => {
    const server = await start("stopped");
    await addService(server, await unlock(server), definition("sent-by-a-helper-1"));
    await plant(server, Buffer.from("sent-by-a-helper-1").toString("base64"));
    await expect(server.stop()).rejects.toThrow(/stopped\/audit\.jsonl holds a secret of a test \(.{4}…\)/);
  });

  test("fails it after a kill as well, and by whatever the secret was sent", async () => {
    const server = await start("killed");
    const admin = await unlock(server);
    await fetch(`${server.address}/services`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin}`, "Content-Type": "application/json" },
      body: JSON.stringify(definition("sent-by-fetch-22")),
    });
    const added = await cli(["service", "add", "--from-json", "-"], {
      env: { HOME: directory.path, VAULT_ADDR: server.address, VAULT_TOKEN: admin },
      stdin: JSON.stringify({ ...definition("sent-by-the-cli-3"), name: "other" }),
    });
    expect(added).toMatchObject({ code: 0 });
    const secrets = [...usedSecrets()];
    expect(secrets).toEqual(expect.arrayContaining([PASSWORD, "sent-by-fetch-22", "sent-by-the-cli-3"]));
    await plant(server, "sent-by-the-cli-3");
    await expect(server.stop("SIGKILL")).rejects.toThrow(
      "killed/audit.jsonl holds a secret of a test (sent…)",
    );
  });

  test("does not fail it for what its own log says of a caller who wrote secrets everywhere", async () => {
    const server = await start("clean");
    const admin = await unlock(server);
    await addService(server, admin, definition("sent-by-a-helper-4"));
    const token = await makeToken(server, admin);
    const path = `/proxy/api/sent-by-a-helper-4?x=sent-by-a-helper-4&${token}`;
    await call(server.address, "GET", path, { token, headers: { "X-Vault-Justification": `for ${token}` } });
    await call(server.address, "DELETE", `/services/sent-by-a-helper-4`, { token: admin });
    expect(await server.stop()).toBe(0);
    await rm(server.dataDir, { recursive: true });
  });
});
