import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, makeToken, unlock } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

let vault: SshVault;
let sshd: RunningSshd;

beforeAll(async () => {
  [vault, sshd] = await Promise.all([startSshVault(), startSshd({ login: "password", maxSessions: 50 })]);
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

const asAdmin = (method: string, path: string, body?: object): ReturnType<typeof call> =>
  call(vault.server.address, method, path, {
    token: vault.admin,
    ...(body === undefined
      ? {}
      : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
  });

describe("the connection to a server", () => {
  test("serves 20 commands at once, and those that come later", async () => {
    await vault.addService("shared", sshd);
    const before = sshd.connectionCount();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => vault.exec("shared", `sleep 0.3; echo ${index}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await vault.exec("shared", "true");
    expect(sshd.connectionCount() - before).toBe(1);
  });

  test("is made anew when the server has closed it", async () => {
    await vault.addService("restarted", sshd);
    await vault.exec("restarted", "true");
    await sshd.restart();
    expect((await vault.exec("restarted", "echo again")).json).toMatchObject({ stdout: "again\n" });
  });

  test("that is lost while a command runs is told as such", async () => {
    await vault.addService("lost", sshd);
    const running = vault.exec("lost", "sleep 600");
    await expect.poll(() => sshd.commands().length, { timeout: 5000 }).toBeGreaterThan(0);
    await sshd.restart();
    const answer = await running;
    expect(answer.json).toEqual({
      code: "upstream_failed",
      error: "the connection was lost before the command had ended",
    });
  });

  test("is used no more once the service is changed, but ends no running command", async () => {
    await vault.addService("changed", sshd);
    const running = vault.exec("changed", "sleep 0.5; echo whole");
    await expect.poll(() => sshd.commands().length, { timeout: 5000 }).toBeGreaterThan(0);
    await vault.addService("changed", sshd, { auth: { ssh_password: "another one" } });
    expect((await vault.exec("changed", "true")).json).toMatchObject({ code: "upstream_login_failed" });
    expect((await running).json).toMatchObject({ stdout: "whole\n" });
  });

  test("to an address that is not allowed is not made", async () => {
    const definition = {
      name: "inside",
      auth: {
        type: "ssh_key",
        ssh_host: "localhost.",
        ssh_port: sshd.port,
        ssh_user: "x",
        ssh_password: "y",
      },
    };
    const stored = await asAdmin("POST", "/services", definition);
    if (stored.status === 201) {
      expect((await vault.exec("inside", "id")).json).toMatchObject({ code: "destination_blocked" });
    } else {
      expect(stored.json).toMatchObject({ error: expect.stringContaining("ssh_host") as string });
    }
  });

  test("that nobody accepts is told as such", async () => {
    await vault.addService("nobody", sshd, { auth: { ssh_port: 1 } });
    const answer = await vault.exec("nobody", "id");
    expect(answer.status).toBe(502);
    expect(answer.json).toEqual({ code: "upstream_failed", error: "the upstream refused the connection" });
  });
});

describe("a running command is ended", () => {
  const start = (token: string): ReturnType<typeof call> =>
    call(vault.server.address, "POST", "/ssh/ended/exec", {
      token,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ command: "sleep 600" }),
    });

  beforeAll(() => vault.addService("ended", sshd));

  test.each([
    ["its token is revoked", 401, (token: string) => asAdmin("DELETE", `/tokens/${token}`)],
    ["its service is deleted", 404, () => asAdmin("DELETE", "/services/ended")],
    [
      "its service allows less",
      409,
      () => vault.addService("ended", sshd, { auth: { ssh_allowed_commands: ["true"] } }),
    ],
  ])("when %s", async (_, status, act) => {
    await vault.addService("ended", sshd);
    const token = await makeToken(vault.server, vault.admin);
    const running = start(token);
    await expect.poll(() => sshd.commands().length, { timeout: 5000 }).toBeGreaterThan(0);
    const at = performance.now();
    await act(token);
    const answer = await running;
    expect(answer.status).toBe(status);
    await expect.poll(() => sshd.commands(), { timeout: 5000 }).toEqual([]);
    expect(performance.now() - at).toBeLessThan(2000);
  });

  test("when its token expires", async () => {
    await vault.addService("ended", sshd);
    const answer = await call(vault.server.address, "POST", "/tokens", {
      token: vault.admin,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ scope: "proxy", ttl: "1s" }),
    });
    const ended = await start((answer.json as { id: string }).id);
    expect(ended.status).toBe(401);
    await expect.poll(() => sshd.commands(), { timeout: 5000 }).toEqual([]);
  });

  test("when the vault is locked, with the connection", async () => {
    await vault.addService("ended", sshd);
    const running = start(vault.token);
    await expect.poll(() => sshd.commands().length, { timeout: 5000 }).toBeGreaterThan(0);
    const at = performance.now();
    expect((await asAdmin("POST", "/auth/lock")).status).toBe(200);
    expect((await running).status).toBe(423);
    await expect.poll(() => sshd.commands(), { timeout: 3000 }).toEqual([]);
    expect(performance.now() - at).toBeLessThan(3000);
    expect((await vault.exec("ended", "id")).status).toBe(423);
    await unlock(vault.server);
    expect((await vault.exec("ended", "echo back")).json).toMatchObject({ stdout: "back\n" });
  });
});
