import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { secretSearch } from "../attacks/secret-search.js";
import { PASSWORD, startServer, temporaryDirectory } from "./processes.js";
import { addService, call, makeToken, unlock } from "./vault-calls.js";

/** Found nowhere else, and long enough to be looked for in parts. */
const SECRETS = {
  key: "kEy-0f-the-serv1ce-9a8b7c6d5e4f",
  password: "pAssw0rd-of-the-database-31415926",
  file: "c0ntents-of-an-uploaded-file-27182818",
};
/** No secrets, but for nobody who has the file alone. */
const NAMES = ["confidential-service", "confidential.example.com", "confidential-file"];

test("no file of the data directory holds a secret, unlocked, locked or after the end, and the vault no name either", async () => {
  const directory = await temporaryDirectory();
  const server = await startServer({ dataDir: directory.path, derivation: "real" });
  const admin = await unlock(server);
  await addService(server, admin, {
    name: "confidential-service",
    base_url: "https://confidential.example.com",
    auth: { type: "bearer", token: SECRETS.key },
  });
  await addService(server, admin, {
    name: "orders",
    auth: {
      ...{ type: "postgres", postgres_host: "db.example.com" },
      ...{ postgres_user: "app", postgres_password: SECRETS.password },
    },
  });
  const boundary = "a-boundary";
  const part = (field: string, value: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; ${field}\r\n\r\n${value}\r\n`;
  const uploaded = await call(server.address, "POST", "/files", {
    token: admin,
    headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
    body: `${part('name="name"', "confidential-file")}${part('name="file"; filename="f"', SECRETS.file)}--${boundary}--\r\n`,
  });
  expect(uploaded.status).toBe(201);
  const token = await makeToken(server, admin);
  const recovery = await call(server.address, "POST", "/auth/recovery-key", {
    token: admin,
    body: JSON.stringify({ password: PASSWORD }),
  });
  expect(recovery.status).toBeLessThan(300);
  const recoveryKey = (recovery.json as { recovery_key: string }).recovery_key;

  const find = secretSearch([...Object.values(SECRETS), PASSWORD, admin, token, recoveryKey]);
  expect(find(`x${SECRETS.key.slice(8, 20)}x`)).toBeDefined();
  const lookThrough = async (): Promise<void> => {
    const names = await readdir(directory.path);
    expect(names).toEqual(expect.arrayContaining(["vault.enc", "vault.enc.bak", "audit.jsonl"]));
    for (const name of names) {
      const text = (await readFile(join(directory.path, name))).toString("latin1");
      // A token is known by its first characters, which are no secret.
      expect(find(text.replaceAll(/tok_[\w-]{1,12}/g, "")), name).toBeUndefined();
      if (name.startsWith("vault.enc"))
        for (const word of NAMES) expect(text.includes(word), name).toBe(false);
    }
  };
  await lookThrough();
  const locked = await call(server.address, "POST", "/auth/lock", { token: admin });
  expect(locked.status).toBe(200);
  await lookThrough();
  await server.stop();
  await lookThrough();
  await directory.remove();
});
