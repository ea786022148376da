import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { Command } from "commander";
import { expect, test } from "vitest";

import { ADMIN_TOKEN } from "../testing/fake-vault.js";
import { terminalContext, type TerminalContext } from "../testing/terminal-context.js";
import { configureUnlock } from "./unlock.js";

async function unlock(terminal: TerminalContext, ...args: string[]): Promise<void> {
  const command = new Command("unlock");
  configureUnlock(command, async (action) => {
    await action(terminal.context);
  });
  await command.parseAsync(args, { from: "user" });
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("a listener that is not known to be trusted is asked for its health and nothing else", async () => {
  if (process.platform !== "linux") return;
  const terminal = terminalContext(`http://127.0.0.1:${await unusedPort()}`);
  await expect(unlock(terminal)).rejects.toThrow("refused to send the password");
  expect(terminal.calls).toEqual(["GET /health"]);
  expect(terminal.screen()).toBe("");
});

test("the first unlock asks twice, again where the two differ, and creates nothing where they go on to", async () => {
  const terminal = terminalContext("https://vault.example", false);
  const done = unlock(terminal);
  await terminal.answer("New master password", "correct horse\r");
  await terminal.answer("The same again", "correct hose\r");
  for (let again = 0; again < 2; again++) {
    await terminal.answer("New master password", "correct horse\r");
    await terminal.answer("The same again", "correct hose\r");
  }
  await expect(done).rejects.toThrow("the two passwords differ");
  expect(terminal.calls).toEqual(["GET /health"]);
  expect(terminal.screen()).not.toContain("hors");
});

test("later ones ask once, without echo", async () => {
  const terminal = terminalContext("https://vault.example");
  const done = unlock(terminal);
  await terminal.answer("Master password", "correct horse\r");
  await expect(done).rejects.toThrow("cannot write the session");
  expect(terminal.calls).toEqual(["GET /health", "POST /auth/unlock"]);
  expect(terminal.screen()).not.toContain("horse");
});

test.each([
  ["an interrupt", "correct\u0003"],
  ["Ctrl-D", "\u0004"],
  ["Ctrl-D after some letters", "correct\u0004"],
])("%s sends nothing", async (_, keys) => {
  const terminal = terminalContext("https://vault.example");
  const done = unlock(terminal);
  await terminal.answer("Master password", keys);
  await expect(done).rejects.toThrow("cancelled");
  expect(terminal.calls).toEqual(["GET /health"]);
});

test("a terminal that goes away cancels, at the first question or a later one", async () => {
  const first = terminalContext("https://vault.example", false);
  const done = unlock(first);
  await first.answer("New master password", "correct");
  first.hangUp();
  await expect(done).rejects.toThrow("cancelled");

  const later = terminalContext("https://vault.example", false);
  const twice = unlock(later);
  await later.answer("New master password", "correct horse\r");
  await later.answer("The same again", "");
  later.hangUp();
  await expect(twice).rejects.toThrow("cancelled");

  const gone = terminalContext("https://vault.example");
  gone.context.stdin.destroy();
  await once(gone.context.stdin, "close");
  await expect(unlock(gone)).rejects.toThrow("cancelled");
  for (const { calls } of [first, later, gone]) expect(calls).toEqual(["GET /health"]);
});

test.each(["tok_x", `${ADMIN_TOKEN}\n`, `tok_${"A".repeat(42)}\u001b`])(
  "the id %j is not saved",
  async (id) => {
    const terminal = terminalContext("https://vault.example", true, id);
    const done = unlock(terminal);
    await terminal.answer("Master password", "correct horse\r");
    await expect(done).rejects.toThrow("the answer holds no token of a vault-server");
  },
);
