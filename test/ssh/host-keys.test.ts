import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, type Answered } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

let vault: SshVault;
let sshd: RunningSshd;

beforeAll(async () => {
  [vault, sshd] = await Promise.all([startSshVault(), startSshd({ login: "password" })]);
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

const asAdmin = (method: string, path: string, body?: object): Promise<Answered> =>
  call(vault.server.address, method, path, {
    token: vault.admin,
    ...(body === undefined
      ? {}
      : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });
const show = async (name: string): Promise<unknown> => (await asAdmin("GET", `/services/${name}`)).json;
const pin = (name: string, hostKey: string): Promise<Answered> =>
  asAdmin("PUT", `/services/${name}/host-key`, { host_key: hostKey });
const fingerprint = (): string => sshd.hostKeys()[0]?.fingerprint ?? "";
const publicLine = (): string => sshd.hostKeys()[0]?.publicLine ?? "";
const OTHER = "SHA256:uNiVztksCsDhcc0u9e8BrdGqZGmvK5mRyAjCk0FhPDE";

describe("the host key of a server", () => {
  test("is kept at the first use, and shown", async () => {
    await vault.addService("first", sshd);
    expect(await show("first")).toMatchObject({ ssh_connected: false });
    expect((await vault.exec("first", "true")).status).toBe(200);
    expect(await show("first")).toMatchObject({
      ssh_connected: true,
      ssh_host_key: publicLine(),
      ssh_host_key_fingerprint: fingerprint(),
    });
  });

  test("that has changed is refused with both fingerprints, until an admin decides", async () => {
    await vault.addService("changed", sshd);
    expect((await vault.exec("changed", "true")).status).toBe(200);
    const before = fingerprint();
    await sshd.replaceHostKeys();
    await sshd.restart();
    expect(fingerprint()).not.toBe(before);
    const refused = await vault.exec("changed", "true");
    expect(refused.status).toBe(502);
    expect(refused.headers["x-vault-error"]).toBe("ssh_host_key_mismatch");
    expect(refused.json).toEqual({
      code: "ssh_host_key_mismatch",
      error: `the server's host key has changed: ${before} is kept, ${fingerprint()} was shown`,
    });
    expect(await show("changed")).toMatchObject({ ssh_host_key_fingerprint: before });
    expect((await asAdmin("DELETE", "/services/changed/host-key")).json).toMatchObject({
      ssh_connected: false,
    });
    expect((await vault.exec("changed", "true")).status).toBe(200);
    expect(await show("changed")).toMatchObject({ ssh_host_key_fingerprint: fingerprint() });
  });

  test("is one and the same for two first uses at once", async () => {
    await vault.addService("twice", sshd);
    await vault.addService("twice-b", sshd);
    const answers = await Promise.all(
      ["twice", "twice-b", "twice", "twice-b"].map((name) => vault.exec(name, "true")),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await show("twice")).toMatchObject({ ssh_host_key: publicLine() });
  });

  test.each([
    ["a line of ssh-keyscan", () => `[127.0.0.1]:22 ${publicLine()}`],
    ["a line of a .pub file", () => `${publicLine()} root@host\n`],
    ["its base64 alone", () => publicLine().split(" ")[1] ?? ""],
    ["its fingerprint", () => fingerprint()],
  ])("can be pinned before the first use: by %s", async (_, given) => {
    await vault.addService("pinned", sshd);
    await asAdmin("DELETE", "/services/pinned/host-key");
    expect((await pin("pinned", given())).json).toMatchObject({ ssh_host_key_fingerprint: fingerprint() });
    expect((await vault.exec("pinned", "true")).status).toBe(200);
    expect((await pin("pinned", OTHER)).status).toBe(200);
    const refused = await vault.exec("pinned", "true");
    expect(refused.json).toMatchObject({
      error: `the server's host key has changed: ${OTHER} is kept, ${fingerprint()} was shown`,
    });
  });

  test("may stand in the service's definition", async () => {
    await vault.addService("defined", sshd, { auth: { ssh_host_key: OTHER } });
    expect((await vault.exec("defined", "true")).status).toBe(502);
  });

  test("stays when the service is changed or replaced, as long as it is the same server", async () => {
    await vault.addService("kept", sshd);
    await pin("kept", OTHER);
    await vault.addService("kept", sshd, { auth: { ssh_legacy_algorithms: ["ssh-rsa"] } });
    expect(await show("kept")).toMatchObject({ ssh_host_key: OTHER });
    const auth = { type: "ssh_key", ssh_host: sshd.host, ssh_port: sshd.port, ssh_user: sshd.user };
    await asAdmin("PUT", "/services/kept", { allow_private: true, description: "x", auth });
    expect(await show("kept")).toMatchObject({ ssh_host_key: OTHER, description: "x" });
    await asAdmin("PUT", "/services/kept", { allow_private: true, auth: { ...auth, ssh_port: 1 } });
    expect(await show("kept")).toMatchObject({ ssh_connected: false });
  });

  test("is for an admin to decide", async () => {
    for (const [method, body] of [
      ["PUT", JSON.stringify({ host_key: OTHER })],
      ["DELETE", undefined],
    ] as const) {
      const answer = await call(vault.server.address, method, "/services/first/host-key", {
        token: vault.token,
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body }),
      });
      expect(answer.status).toBe(403);
    }
  });

  test.each([
    ["nothing", ""],
    ["no key", "hello"],
    ["an MD5 fingerprint", "MD5:00:11:22:33"],
    ["a fingerprint that is too short", "SHA256:abc"],
    ["two lines", `${OTHER}\n${OTHER}`],
    [
      "a key of another type than it says",
      "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH",
    ],
    ["a key that is cut off", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcH"],
    ["an authority", "@cert-authority * ssh-ed25519 AAAA"],
    ["a certificate", "ssh-ed25519-cert-v01@openssh.com AAAA"],
  ])("cannot be %s", async (_, given) => {
    await vault.addService("never", sshd);
    const answer = await pin("never", given);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ error: expect.stringContaining("host_key") as string });
    expect(await show("never")).toMatchObject({ ssh_connected: false });
  });

  test("of a service that has none is refused", async () => {
    const web = {
      name: "web",
      base_url: "https://api.example.com",
      auth: { type: "bearer", token: "t-123456789" },
    };
    await asAdmin("POST", "/services", web);
    expect((await pin("web", OTHER)).status).toBe(400);
    expect((await pin("nowhere", OTHER)).status).toBe(404);
  });
});
