import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { Command } from "commander";
import { expect, test } from "vitest";

import type { ConfigureCommand } from "../command-definition.js";
import { RECOVERY_KEY, terminalContext, type TerminalContext } from "../testing/terminal-context.js";
import { configurePasswordChange } from "./password-change.js";
import { configureVaultRecoveryKey } from "./vault-recovery-key.js";

async function run(configure: ConfigureCommand, terminal: TerminalContext, ...args: string[]): Promise<void> {
  const command = new Command("x");
  configure(command, async (action) => {
    await action(terminal.context);
  });
  await command.parseAsync(args, { from: "user" });
}

test("in a terminal the password is asked for once, the new one twice, all without echo", async () => {
  const terminal = terminalContext("https://vault.example");
  const done = run(configurePasswordChange, terminal);
  await terminal.answer("Master password (or recovery key)", "correct horse\r");
  await terminal.answer("New master password", "better horse\r");
  await terminal.answer("The same again", "better horse\r");
  await done;
  expect(terminal.calls).toEqual(["GET /health", "POST /auth/password"]);
  expect(JSON.parse(terminal.bodies[1] as string)).toEqual({ current: "correct horse", new: "better horse" });
  expect(terminal.screen()).not.toContain("horse");
});

test("what is refused unseen is typed anew, not added to", async () => {
  const terminal = terminalContext("https://vault.example");
  const done = run(configurePasswordChange, terminal);
  await terminal.answer("Master password", "correct horse\r");
  await terminal.answer("New master password", "short\r");
  await terminal.answer("at least 8 characters", "better horse\r");
  await terminal.answer("The same again", "better horse\r");
  await done;
  expect(JSON.parse(terminal.bodies[1] as string)).toMatchObject({ new: "better horse" });
});

test("a short new password, or two different ones three times, change nothing", async () => {
  const terminal = terminalContext("https://vault.example");
  const done = run(configurePasswordChange, terminal);
  await terminal.answer("Master password", "correct horse\r");
  await terminal.answer("New master password", "short\r");
  await terminal.answer("at least 8 characters", "shorter horse\r");
  await terminal.answer("The same again", "shorter hose\r");
  for (let again = 0; again < 2; again++) {
    await terminal.answer("New master password", "shorter horse\r");
    await terminal.answer("The same again", "shorter hose\r");
  }
  await expect(done).rejects.toThrow("the two passwords differ; nothing was changed");
  expect(terminal.calls).toEqual(["GET /health"]);
});

test("the recovery key will do, and one that is mistyped is not sent", async () => {
  const right = terminalContext("https://vault.example");
  const done = run(configurePasswordChange, right);
  await right.answer("Master password", `${RECOVERY_KEY}\r`);
  await right.answer("New master password", "better horse\r");
  await right.answer("The same again", "better horse\r");
  await done;
  expect(JSON.parse(right.bodies[1] as string)).toMatchObject({ current: RECOVERY_KEY });

  const wrong = terminalContext("https://vault.example");
  const refused = run(configurePasswordChange, wrong);
  await wrong.answer("Master password", `${RECOVERY_KEY.replace("E209", "E208")}\r`);
  await expect(refused).rejects.toThrow("mistyped");
  expect(wrong.calls).toEqual(["GET /health"]);
});

test.each([
  ["password change", configurePasswordChange],
  ["vault recovery-key", configureVaultRecoveryKey],
])("%s sends no password to a listener that is not known to be trusted", async (_, configure) => {
  if (process.platform !== "linux") return;
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  const terminal = terminalContext(`http://127.0.0.1:${port}`);
  await expect(run(configure, terminal)).rejects.toThrow("refused to send the password");
  expect(terminal.screen()).toBe("");
  expect(new Set(terminal.calls)).toEqual(new Set(["GET /health"]));
  await expect(run(configure, terminal, "--listener-uid", "me")).rejects.toThrow("takes a number");
});

test("a recovery key is asked for with the password, without echo", async () => {
  const terminal = terminalContext("https://vault.example");
  const done = run(configureVaultRecoveryKey, terminal);
  await terminal.answer("Master password", "correct horse\r");
  await done;
  expect(terminal.calls).toEqual(["GET /health", "POST /auth/recovery-key"]);
  expect(terminal.screen()).toContain("Keep it on paper");
  expect(terminal.screen()).not.toMatch(/horse|000G/);
});
