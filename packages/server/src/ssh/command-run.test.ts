import type { ServerChannel } from "ssh2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { runCommand, type CommandRun } from "./command-run.js";
import type { SshChannel } from "./ssh-connection.js";
import {
  connect,
  startScriptedServer,
  takesPassword,
  targetOf,
  type ScriptedServer,
} from "./testing/scripted-server.js";

const MEBIBYTE = 1024 * 1024;

let server: ScriptedServer;
let remote: ServerChannel;
let channel: SshChannel;

beforeEach(async () => {
  server = await startScriptedServer(takesPassword, (client) => {
    client.on("session", (accept) => {
      accept().on("exec", (begin) => (remote = begin()));
    });
  });
  const connection = await connect(targetOf(server.port));
  channel = await connection.exec("anything");
});

afterEach(() => server.close());

const run = (more: Partial<CommandRun> = {}): ReturnType<typeof runCommand> =>
  runCommand(channel, {
    ...{ stdin: undefined, timeoutMs: 5000, signal: new AbortController().signal },
    takeOutput: () => undefined,
    ...more,
  });

describe("a command", () => {
  test("is read no faster than its output is taken", async () => {
    let taken = 0;
    let goOn: () => void = () => undefined;
    const ended = run({
      takeOutput(_, chunk) {
        taken += chunk.length;
        return new Promise((resolve) => (goOn = resolve));
      },
    });
    let isWritten = false;
    remote.write(Buffer.alloc(9 * MEBIBYTE), () => (isWritten = true));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(taken).toBeLessThan(64 * 1024);
    expect(channel.readableLength).toBeLessThanOrEqual(4 * MEBIBYTE);
    expect(isWritten).toBe(false);
    remote.exit(0);
    const timer = setInterval(() => goOn(), 0);
    remote.end();
    await ended;
    clearInterval(timer);
    expect(taken).toBe(9 * MEBIBYTE);
  });

  test("whose end the server tells nothing of is no success", async () => {
    const ended = run();
    remote.end();
    await expect(ended).rejects.toMatchObject({ code: "upstream_failed" });
  });

  test("that a signal ended has 128 and its number for an exit code", async () => {
    const ended = run();
    remote.exit("USR1");
    remote.end();
    expect(await ended).toMatchObject({ exitCode: 138, signal: "USR1" });
  });

  test("that does not end is left some time after its time-out", async () => {
    const startedAt = performance.now();
    await expect(run({ timeoutMs: 50 })).rejects.toMatchObject({ code: "upstream_timeout" });
    expect(performance.now() - startedAt).toBeGreaterThan(2000);
  });

  test("is left sooner when its call is ended, with the call's reason", async () => {
    const ends = new AbortController();
    const ended = run({ signal: ends.signal });
    ends.abort(new Error("the vault was locked"));
    const startedAt = performance.now();
    await expect(ended).rejects.toThrow("the vault was locked");
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  test("of a call that was ended already is not waited for", async () => {
    await expect(run({ signal: AbortSignal.abort(new Error("gone")) })).rejects.toThrow("gone");
  });

  test("has not ended before all of both streams is taken, however slowly", async () => {
    const taken = { stdout: 0, stderr: 0 };
    const ended = run({
      takeOutput(stream, chunk) {
        taken[stream] += chunk.length;
        return new Promise((resolve) => setTimeout(resolve, 1));
      },
    });
    remote.stderr.write(Buffer.alloc(MEBIBYTE));
    remote.write("x");
    remote.exit(0);
    remote.end();
    await ended;
    expect(taken).toEqual({ stdout: 1, stderr: MEBIBYTE });
  });

  test("whose output nobody can take any more is ended with the reason", async () => {
    const ended = run({
      takeOutput() {
        throw new VaultProxyError("rate_limited", "no room");
      },
    });
    remote.write("x");
    await expect(ended).rejects.toMatchObject({ code: "rate_limited" });
  });

  test("drops what is above the limit of either stream, and counts it as cut off", async () => {
    const taken = { stdout: 0, stderr: 0 };
    const ended = run({
      outputBytes: 10,
      takeOutput(stream, chunk) {
        expect(chunk.length).toBeGreaterThan(0);
        taken[stream] += chunk.length;
        return undefined;
      },
    });
    remote.write("0123456789");
    remote.stderr.write("0123456789x");
    await new Promise((resolve) => setTimeout(resolve, 50));
    remote.write("more");
    remote.exit(0);
    remote.end();
    expect(await ended).toMatchObject({ isTruncated: true });
    expect(taken).toEqual({ stdout: 10, stderr: 10 });
  });
});
