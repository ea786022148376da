import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import {
  openRedisSession,
  type RedisSessionOptions,
} from "../../packages/server/src/protocols/redis/testing/redis-session.js";
import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";
import { cleanEnvironment } from "../live/processes.js";
import {
  REDIS_PASSWORD,
  REDIS_USERS,
  startRedis,
  type RedisOptions,
  type RedisUser,
  type RunningRedis,
} from "../real-servers/redis.js";
import { createSessionKeeper } from "./session-keeper.js";

export interface RedisFixture {
  readonly server: RunningRedis;
  /** A session as `default` or a user of the access list, with other fields of the service's `auth` if need be. */
  open(
    user: RedisUser | "default",
    auth?: Readonly<Record<string, unknown>>,
    options?: RedisSessionOptions,
  ): Promise<LoopbackSession>;
  /** After every test. */
  closeSessions(): Promise<void>;
  stop(): Promise<void>;
}

/** A real server, and sessions with it. */
export async function startRedisFixture(options?: RedisOptions): Promise<RedisFixture> {
  const server = await startRedis(options);
  const sessions = createSessionKeeper();
  return {
    server,
    async open(user, auth = {}, sessionOptions = {}) {
      const login =
        user === "default"
          ? { redis_password: REDIS_PASSWORD }
          : { redis_username: user, redis_password: REDIS_USERS[user].password };
      const port = auth.redis_tls === true ? server.tlsPort : server.port;
      const session = await openRedisSession(
        { redis_port: port, ...login, ...auth },
        { ca: server.ca, ...sessionOptions },
      );
      return sessions.keep(session);
    },
    closeSessions: () => sessions.closeAll(),
    async stop() {
      await sessions.closeAll();
      await server.stop();
    },
  };
}

export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** Runs a program that gets `input` on standard input. */
export async function runProgram(
  command: string,
  args: readonly string[],
  input = "",
): Promise<ProgramResult> {
  const child = spawn(command, args, { env: cleanEnvironment() });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  child.stdin.on("error", () => undefined).end(input);
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { stdout, stderr, exitCode };
}

/** redis-cli on a session. `input` is lines of commands. */
export function redisCli(port: number, args: readonly string[], input?: string): Promise<ProgramResult> {
  return runProgram("redis-cli", ["-p", String(port), "--no-auth-warning", ...args], input);
}
