import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

const PASSPHRASE = "open sesame, please";

let vault: SshVault;
let sshd: RunningSshd;

beforeAll(async () => {
  [vault, sshd] = await Promise.all([startSshVault(), startSshd({ login: "key" })]);
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

describe("a log-in with a key", () => {
  test.each([
    ["Ed25519", { type: "ed25519" }],
    ["ECDSA", { type: "ecdsa", bits: 384 }],
    ["RSA", { type: "rsa", bits: 2048 }],
    ["encrypted Ed25519", { type: "ed25519", passphrase: PASSPHRASE }],
    ["RSA in PEM", { type: "rsa", bits: 2048, options: ["-m", "PEM"] }],
    [
      "encrypted RSA in PKCS#8",
      { type: "rsa", bits: 2048, passphrase: PASSPHRASE, options: ["-m", "PKCS8"] },
    ],
  ] as const)("of %s is taken", async (name, options) => {
    const key = await makeSshKey(options);
    await sshd.authorize(key.publicLine);
    const auth = "passphrase" in options ? { ssh_key_passphrase: options.passphrase } : {};
    await vault.addService("keyed", sshd, { key, auth });
    const answer = await vault.exec("keyed", "id -un");
    expect(answer.json, name).toMatchObject({ stdout: `${sshd.user}\n` });
  });

  test("that the server does not know is refused, and says nothing more", async () => {
    await vault.addService("unknown", sshd, { key: await makeSshKey() });
    const answer = await vault.exec("unknown", "id");
    expect(answer.status).toBe(502);
    expect(answer.json).toEqual({
      code: "upstream_login_failed",
      error: "the server refused the stored credential",
    });
  });

  test("is not made any more once the key is replaced", async () => {
    const key = await makeSshKey();
    await sshd.authorize(key.publicLine);
    await vault.addService("rotated", sshd, { key });
    expect((await vault.exec("rotated", "id")).status).toBe(200);
    await vault.upload("rotated.key", (await makeSshKey()).privateKey);
    expect((await vault.exec("rotated", "id")).status).toBe(502);
  });

  test("stays as it is when the passphrase is left out of a change", async () => {
    const key = await makeSshKey({ passphrase: PASSPHRASE });
    await sshd.authorize(key.publicLine);
    await vault.addService("kept", sshd, { key, auth: { ssh_key_passphrase: PASSPHRASE } });
    const shown = await vault.get("/services/kept");
    expect(shown.text).not.toContain(PASSPHRASE);
    expect(shown.json).toMatchObject({
      ssh_user: sshd.user,
      ssh_key_file_ref: "kept.key",
      ssh_port: sshd.port,
    });
  });
});

describe("a service is not stored with", () => {
  test("a wrong passphrase", async () => {
    const key = await makeSshKey({ passphrase: PASSPHRASE });
    const answer = await vault.define("never", sshd, { key, auth: { ssh_key_passphrase: "wrong" } });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: expect.stringContaining("passphrase") as string });
  });

  test("an encrypted key without a passphrase", async () => {
    const key = await makeSshKey({ passphrase: PASSPHRASE });
    const answer = await vault.define("never", sshd, { key });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: expect.stringContaining("ssh_key_passphrase") as string });
  });

  test.each([
    ["a public key", async () => (await makeSshKey()).publicLine],
    ["no key at all", () => Promise.resolve("hello, world")],
  ])("%s", async (_, content) => {
    await vault.upload("bad.key", await content());
    const answer = await vault.define("never", sshd, {
      auth: { ssh_password: undefined, ssh_key_file_ref: "bad.key" },
    });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      error: expect.stringMatching(/^auth\.ssh_key_file_ref: /) as string,
    });
  });

  test.each([
    ["a key that is not there", { ssh_password: undefined, ssh_key_file_ref: "nowhere" }, "ssh_key_file_ref"],
    ["no credential", { ssh_password: undefined }, "ssh_key_file_ref"],
    ["two", { ssh_key_file_ref: "unknown.key" }, "ssh_password"],
    ["a passphrase of nothing", { ssh_key_passphrase: "x" }, "ssh_key_passphrase"],
    ["an address in the host", { ssh_host: "ssh://x" }, "ssh_host"],
    ["a metadata service", { ssh_host: "169.254.169.254" }, "ssh_host"],
    ["an algorithm that nobody has", { ssh_legacy_algorithms: ["rot13"] }, "ssh_legacy_algorithms"],
    ["an allowed path that is none", { ssh_allowed_paths: ["srv"] }, "ssh_allowed_paths"],
  ])("%s", async (_, auth, field) => {
    const answer = await vault.define("never", sshd, { auth });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: expect.stringContaining(field) as string });
  });

  test("settings that are for others", async () => {
    const auth = { type: "ssh_key", ssh_host: sshd.host, ssh_user: "x", ssh_password: "y" };
    for (const setting of [{ tls_skip_verify: true }, { max_connections: 2 }, { headers: { A: "b" } }]) {
      const body = { name: "never", allow_private: true, auth, ...setting };
      const answer = await vault.post("/services", body, { token: vault.admin });
      expect(answer.status).toBe(400);
      expect(answer.json).toMatchObject({
        error: expect.stringContaining(Object.keys(setting)[0] ?? "") as string,
      });
    }
  });
});

describe("a log-in with a password", () => {
  test.each(["password", "keyboard-interactive"] as const)(
    "by %s is taken, or refused in one word",
    async (login) => {
      const server = await startSshd({ login });
      try {
        await vault.addService("worded", server);
        expect((await vault.exec("worded", "id -un")).json).toMatchObject({ stdout: `${server.user}\n` });
        await vault.addService("wrong", server, { auth: { ssh_password: "not it at all" } });
        const answer = await vault.exec("wrong", "id");
        expect(answer.json).toMatchObject({ code: "upstream_login_failed" });
        // The server may write its lines when the caller has long had the answer; this one is the connection's last.
        await expect.poll(() => server.log()).toMatch(/(?:Disconnected from|closed by) .*\[preauth\]/);
        expect(server.log().match(/Failed (?:password|keyboard-interactive)/g) ?? []).toHaveLength(1);
      } finally {
        await server.stop();
      }
    },
  );
});
