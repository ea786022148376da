import { execFile } from "node:child_process";
import { connect } from "node:net";
import { PASSWORD } from "../live/processes.js";
import { call } from "../live/vault-calls.js";
import { startVault } from "./intermediaries.js";

/** What callers that keep the vault waiting come to. Connections are counted at the caller's end. */
export interface SlowCallers {
  /** When the last of 200 connections was closed that sent half a head: milliseconds from its opening. */
  readonly halfSent: Promise<number>;
  /** The same for 200 that send half a body to the vault itself. */
  readonly halfBodies: Promise<number>;
  /** Status of an admin's upload whose second half comes later than any other body may. */
  readonly lateUpload: Promise<string | undefined>;
  /** The same for 50 that send a field every few seconds and never end the head. */
  readonly dribbling: Promise<number>;
  /** All output of `slowhttptest`, by mode. */
  readonly attacks: Readonly<Record<"H" | "B" | "R" | "X", Promise<string>>>;
  /** How long `GET /health` took at most while all of that went on, in milliseconds. */
  readonly slowestHealth: () => number;
  /** Calls that reached the upstream and are still open there. */
  readonly openUpstream: () => number;
  stop(): Promise<void>;
}

/** More than the 30 that a head may take, the 5 between two looks at the clock, and what a busy machine adds. */
const ATTACK_SECONDS = 42;
/** More than the 20 s that other bodies may take. */
const LATE_MS = 24_000;
const ANSWER = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: image/x\r\nContent-Length: ${8 * 1024 * 1024}\r\n\r\n`),
  Buffer.alloc(8 * 1024 * 1024),
]);

/** Starts a vault of its own and all of the slow callers, which run beside other tests. */
export async function startSlowCallers(): Promise<SlowCallers> {
  // slowhttptest can carry a token in the URL only.
  const vault = await startVault({ auth: { type: "query", params: { key: "the-upstreams-secret" } } });
  const address = `http://127.0.0.1:${vault.port}`;
  const url = `${address}/proxy/raw/x?key=${vault.token}`;
  let open = 0;
  vault.upstream.play({
    onHead(socket) {
      open += 1;
      socket.once("close", () => (open -= 1));
    },
    onRequest(socket) {
      socket.write(ANSWER);
    },
  });

  let slowest = 0;
  const probe = setInterval(() => {
    const startedAt = Date.now();
    call(address, "GET", "/health").then(
      () => (slowest = Math.max(slowest, Date.now() - startedAt)),
      () => (slowest = Infinity),
    );
  }, 500);

  const ended = new AbortController();
  const attack = (...flags: string[]): Promise<string> => slowhttptest(flags, ended.signal);
  const attacks = {
    H: attack("-H", "-c", "50", "-r", "50", "-i", "4", "-x", "10", "-u", url),
    // Pieces further apart than the service's idle time-out: those that come in time may go on for as long as they like.
    B: attack("-B", "-c", "50", "-r", "50", "-i", "6", "-x", "10", "-s", "8192", "-u", url),
    R: attack("-R", "-c", "20", "-r", "20", "-t", "HEAD", "-a", "5", "-b", "500", "-u", url),
    X: attack("-X", "-c", "20", "-r", "20", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-u", url),
  };
  // Each is waited for later, in its own test.
  void Promise.allSettled(Object.values(attacks));

  return {
    halfSent: lastClosed(vault.port, 200, "GET /proxy/raw/x HTTP/1.1\r\nHost: local"),
    halfBodies: lastClosed(
      vault.port,
      200,
      'POST /auth/unlock HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n{"password":',
    ),
    lateUpload: uploadLate(vault.port, address),
    dribbling: lastClosed(vault.port, 50, "GET /proxy/raw/x HTTP/1.1\r\nHost: localhost\r\n", "X-A: b\r\n"),
    attacks,
    slowestHealth: () => slowest,
    openUpstream: () => open,
    async stop() {
      clearInterval(probe);
      ended.abort();
      await vault.stop();
    },
  };
}

async function lastClosed(port: number, count: number, text: string, more?: string): Promise<number> {
  const startedAt = Date.now();
  const ends = Array.from({ length: count }, async () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined).resume();
    socket.write(text);
    const timer = setInterval(() => more !== undefined && socket.writable && socket.write(more), 4000);
    await new Promise((resolve) => socket.on("close", resolve));
    clearInterval(timer);
  });
  await Promise.all(ends);
  return Date.now() - startedAt;
}

async function uploadLate(port: number, address: string): Promise<string | undefined> {
  const unlocked = await call(address, "POST", "/auth/unlock", {
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ password: PASSWORD }),
  });
  const body = [
    '--b\r\nContent-Disposition: form-data; name="file"; filename="late"\r\n\r\nfirst ',
    "second\r\n--b--\r\n",
  ];
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.on("error", () => undefined).on("data", (chunk) => (received += chunk.toString()));
  socket.write(
    "POST /files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
      `Authorization: Bearer ${(unlocked.json as { id: string }).id}\r\n` +
      `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.join("").length}\r\n\r\n${body[0] ?? ""}`,
  );
  const timer = setTimeout(() => socket.write(body[1] ?? ""), LATE_MS);
  await new Promise((resolve) => socket.on("close", resolve));
  clearTimeout(timer);
  return /^HTTP\/1\.1 (\d+)/.exec(received)?.[1];
}

function slowhttptest(flags: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    // It ends by itself when its connections are closed, or when the time is over.
    const all = [...flags, "-p", "3", "-l", String(ATTACK_SECONDS)];
    // While it waits it turns in a loop, and would take both processors from those that it waits for.
    execFile("nice", ["-n", "15", "slowhttptest", ...all], { signal }, (_error, stdout, stderr) => {
      const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, "g");
      const output = (stdout + stderr).replaceAll(ansi, "");
      if (output.includes("Exit status")) resolve(output);
      else reject(new Error(`slowhttptest did not run:\n${output}`));
    });
  });
}
