import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, makeToken } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { openShell, Refused, type ShellClient } from "./shell-client.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

let vault: SshVault;
let sshd: RunningSshd;

beforeAll(async () => {
  const key = await makeSshKey();
  [vault, sshd] = await Promise.all([
    startSshVault(),
    startSshd({ login: "key", authorizedKeys: [key.publicLine], shell: "/bin/bash" }),
  ]);
  await vault.addService("box", sshd, { key });
  await vault.addService("listed", sshd, { key, auth: { ssh_allowed_commands: ["uptime"] } });
  await vault.addService("hurried", sshd, { key, service: { idle_timeout: "1s" } });
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

const open = (query = "", token = vault.token, service = "box"): Promise<ShellClient> =>
  openShell(vault.server.address, `/ssh/${service}/session${query}`, token);

async function refusal(path: string, token = vault.token, headers: Record<string, string> = {}) {
  const refused = await openShell(vault.server.address, path, token, { headers }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refused instanceof Refused)) throw new Error("not refused", { cause: refused });
  const { code, error } = JSON.parse(refused.body) as { code: string; error: string };
  expect(refused.headers["x-vault-error"]).toBe(code);
  return { status: refused.status, code, error };
}

describe("a shell", () => {
  test("is a terminal of the size that was asked for, with colours, and ends with its exit code", async () => {
    const shell = await open("?cols=132&rows=50");
    shell.type("stty size; echo $TERM; tput colors; exit 7\r");
    expect(await shell.closed).toEqual({ code: 1000, reason: '{"exit_code":7}' });
    expect(shell.screen()).toMatch(/50 132\r\nxterm-256color\r\n256\r\n/);
  });

  test("is 80 by 24 by default, and changes its size, at once and as often as it is told", async () => {
    const shell = await open();
    shell.type("stty size\r");
    await shell.see(/24 80/);
    for (let cols = 100; cols <= 200; cols += 1) shell.resize(cols, 40);
    shell.type("sleep 0.2; stty size\r");
    await shell.see(/40 200/);
    shell.type("exit\r");
    expect((await shell.closed).code).toBe(1000);
  });
});
