import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { makeSshKey } from "../real-servers/ssh-keys.js";
import { startSshVault, type SshVault } from "./ssh-vault.js";

let vault: SshVault;
let sshd: RunningSshd;

beforeAll(async () => {
  const key = await makeSshKey();
  [vault, sshd] = await Promise.all([
    startSshVault(),
    startSshd({ login: "key", authorizedKeys: [key.publicLine] }),
  ]);
  await vault.addService("box", sshd, { key });
});

afterAll(async () => {
  await vault.close();
  await sshd.stop();
});

describe("a command", () => {
  test("runs with its output and exit code apart", async () => {
    const answer = await vault.exec("box", "echo out; echo err >&2; exit 3");
    expect(answer.status, answer.text).toBe(200);
    expect(answer.json).toMatchObject({ stdout: "out\n", stderr: "err\n", exit_code: 3, truncated: false });
  });

  test("that a signal ended says which", async () => {
    const answer = await vault.exec("box", "kill -TERM $$");
    expect(answer.json).toMatchObject({ exit_code: 143, signal: "TERM" });
  });

  test("gets what it is to read", async () => {
    const answer = await vault.exec("box", "wc -c", { stdin: "grüße" });
    expect(answer.json).toMatchObject({ stdout: "7\n" });
  });

  test("may put out bytes that are no text", async () => {
    const answer = await vault.exec("box", "printf 'a\\377b'");
    expect(answer.json).toMatchObject({ stdout: "a�b", stdout_base64: "Yf9i" });
  });

  test("that is still running at its time-out is ended, with what it started", async () => {
    const answer = await vault.exec("box", "trap '' TERM; sleep 600 & sleep 600", { timeout: 0.5 });
    expect(answer.status).toBe(504);
    expect(answer.json).toMatchObject({ code: "upstream_timeout" });
    await expect.poll(() => sshd.commands()).toEqual([]);
  });

  test("shares its connection with 19 others that run at the same time", async () => {
    const before = sshd.connectionCount();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => vault.exec("box", `sleep 0.2; echo ${index}`)),
    );
    expect(answers.map(({ json }) => json)).toMatchObject(
      answers.map((_, index) => ({ stdout: `${index}\n`, exit_code: 0 })),
    );
    // Of ten sessions, by the server's default.
    expect(sshd.connectionCount() - before).toBeLessThanOrEqual(2);
  });
});
