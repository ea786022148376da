import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { addService, call, open } from "../live/vault-calls.js";
import { startSshd, type RunningSshd } from "../real-servers/openssh.js";
import { REDIS_USERS, startRedis, type RunningRedis } from "../real-servers/redis.js";
import { openShell } from "../ssh/shell-client.js";
import { startSshVault, type SshVault } from "../ssh/ssh-vault.js";

/** Something that a token has begun and that goes on until it is ended. */
export interface RunningUse {
  readonly kind: string;
  /** How it ended, as its client saw it, when it has. */
  readonly ended: Promise<string>;
  /** Rejects if it does not work any more. */
  check(): Promise<void>;
  /** From the client's side. */
  close(): void;
}

/** Of every kind of thing that goes on. */
export interface UsesVault {
  readonly vault: SshVault;
  /** Begins one of each kind. */
  begin(token: string): Promise<readonly RunningUse[]>;
  close(): Promise<void>;
}

/** A vault with the services `api` (HTTP and WebSockets), `cache` (Redis) and `box` (SSH). */
export async function startUsesVault(): Promise<UsesVault> {
  const [vault, sshd, redis, upstream] = await Promise.all([
    startSshVault(),
    startSshd({ login: "password" }),
    startRedis(),
    startStreams(),
  ]);
  await vault.addService("box", sshd);
  await addService(vault.server, vault.admin, {
    ...{ name: "cache", allow_private: true },
    auth: {
      ...{ type: "redis", redis_host: "127.0.0.1", redis_port: redis.port },
      ...{ redis_username: "app_user", redis_password: REDIS_USERS.app_user.password },
    },
  });
  const { port } = upstream.address() as AddressInfo;
  await addService(vault.server, vault.admin, {
    ...{ name: "api", base_url: `http://127.0.0.1:${port}`, allow_private: true },
    auth: { type: "bearer", token: "sk-upstream-0123456789" },
  });
  let begun = 0;
  return {
    vault,
    begin(token) {
      begun += 1;
      const { address } = vault.server;
      return Promise.all([
        beginStream(address, token),
        beginWebSocket(address, token),
        beginSession(address, token),
        beginShell(address, token),
        beginCommand(vault, sshd, token, 6000 + begun),
      ]);
    },
    close: async () => {
      await vault.close();
      await closeAll(sshd, redis, upstream);
    },
  };
}

/** Answers `/stream` without an end, and echoes on WebSockets. */
async function startStreams(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === "/stream") response.writeHead(200).write("begun\n");
    else response.end("done");
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function closeAll(sshd: RunningSshd, redis: RunningRedis, upstream: Server): Promise<void> {
  upstream.closeAllConnections();
  upstream.close();
  await Promise.all([sshd.stop(), redis.stop()]);
}

async function beginStream(address: string, token: string): Promise<RunningUse> {
  const response = await open(address, "GET", "/proxy/api/stream", { token });
  const ended = new Promise<string>((resolve) => {
    response.on("data", () => undefined);
    response.on("end", () => resolve("end"));
    response.on("error", () => resolve("broken off"));
  });
  return {
    kind: "HTTP stream",
    ended,
    check: () => (response.destroyed ? Promise.reject(new Error("gone")) : Promise.resolve()),
    close: () => response.destroy(),
  };
}

async function beginWebSocket(address: string, token: string): Promise<RunningUse> {
  const socket = new WebSocket(`${address.replace("http", "ws")}/proxy/api/socket`, {
    headers: { Authorization: `Bearer ${token}` },
  }).on("error", () => undefined);
  const ended = new Promise<string>((resolve) => socket.on("close", (code) => resolve(String(code))));
  const check = async (): Promise<void> => {
    socket.send("anyone?");
    await once(socket, "message", { signal: AbortSignal.timeout(2000) });
  };
  await once(socket, "open");
  await check();
  return { kind: "WebSocket", ended, check, close: () => socket.terminate() };
}

async function beginSession(address: string, token: string): Promise<RunningUse> {
  const answer = await call(address, "POST", "/redis/cache/session", { token, body: "{}" });
  const { addr } = answer.json as { addr: string };
  const [host = "", port] = addr.split(":");
  const socket = connect(Number(port), host).on("error", () => undefined);
  const ended = new Promise<string>((resolve) => socket.on("close", () => resolve("closed")));
  const check = async (): Promise<void> => {
    socket.write("PING\r\n");
    const [pong] = (await once(socket, "data", { signal: AbortSignal.timeout(2000) })) as [Buffer];
    if (pong.toString() !== "+PONG\r\n") throw new Error(`not a PONG: ${pong.toString()}`);
  };
  await check();
  return { kind: "Redis session", ended, check, close: () => socket.destroy() };
}

async function beginShell(address: string, token: string): Promise<RunningUse> {
  const shell = await openShell(address, "/ssh/box/session", token);
  const ended = shell.closed.then(({ code, reason }) => `${code} ${reason}`);
  let asked = 0;
  const check = async (): Promise<void> => {
    asked += 1;
    shell.type(`echo answ''er-${asked}\r`);
    await shell.see(new RegExp(`answer-${asked}\\b`));
  };
  await check();
  return { kind: "SSH shell", ended, check, close: () => shell.socket.terminate() };
}

/** @param mark seconds that it would sleep, which tell it from others */
async function beginCommand(
  vault: SshVault,
  sshd: RunningSshd,
  token: string,
  mark: number,
): Promise<RunningUse> {
  const command = `sleep ${mark}`;
  const isRunning = (): boolean =>
    sshd.commands().some((pid) => commandLine(pid).replaceAll("\0", " ").trim() === command);
  const ended = vault
    .post("/ssh/box/exec", { command, timeout: 300 }, { token })
    .then(({ status }) => `${status}${isRunning() ? ", but it still runs" : ""}`)
    .catch(() => "broken off");
  const check = async (): Promise<void> => {
    for (let round = 0; !isRunning(); round += 1) {
      if (round === 200) throw new Error("it does not run");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await check();
  return { kind: "SSH command", ended, check, close: () => undefined };
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
