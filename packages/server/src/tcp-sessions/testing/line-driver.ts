import type { RedisConfig } from "../../auth-strategies/session-types/redis.js";
import type { SessionProtocol } from "../../auth-strategies/auth-strategy.js";
import type { AuthConfig } from "../../auth-strategies/service-definition.js";
import { loginRefused } from "../../protocols/session-failure.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import type { SessionDriver } from "../../protocols/session-driver.js";

const MAX_LINE = 1000;

/** The driver in the place of every protocol's. */
export function driversWith(
  driver: SessionDriver<AuthConfig>,
): Record<SessionProtocol, SessionDriver<AuthConfig>> {
  return { imap: driver, smtp: driver, redis: driver, postgres: driver };
}

async function readWords(client: WireSocket): Promise<string[]> {
  return (await client.readLine(MAX_LINE)).toString().trim().split(" ");
}

/**
 * The least protocol that has all that a session needs: a client says `hello` (or `hello <user> <password>`), the
 * driver logs in to the server by `login <password>`, and both say `ready`. A client that says `bye` wants nothing, one
 * that says `slow` before may take its time, and for one that says `fail` the driver fails behind the server's log-in.
 * It stands in the place of Redis.
 */
export function lineDriver(options: { readonly servesBeyond: boolean }): SessionDriver<AuthConfig> {
  const driver: SessionDriver<RedisConfig> = {
    protocol: "redis",
    open: (config, login) => ({
      refusal: "full, come again\n",
      async connect(client, tools) {
        let [word, user, password] = await readWords(client);
        if (word === "slow") {
          tools.onLoggedIn();
          await client.write("take your time\n");
          [word, user, password] = await readWords(client);
        }
        if (word === "bye") {
          await client.end("bye\n");
          return undefined;
        }
        if (login !== undefined && (user !== login.username || password !== login.password.reveal())) {
          await client.end("wrong password\n");
          throw loginRefused();
        }
        if (login !== undefined) tools.takePlace();
        try {
          const server = await tools.connectServer(async (plain) => {
            const wire = config.redis_tls ? (await tools.secure(plain)).wire : plain;
            await wire.write(`login ${config.redis_password.reveal()}\n`);
            const answer = (await wire.readLine(MAX_LINE)).toString();
            if (answer !== "ready\n") throw loginRefused();
            return wire;
          });
          if (word === "fail") throw new Error("a defect");
          await client.write("ready\n");
          return { client, server };
        } catch (error) {
          await client.end(`failed: ${error instanceof Error ? error.message : ""}\n`);
          throw error;
        }
      },
      ...(options.servesBeyond
        ? {
            async connectBeyond(client) {
              await client.readLine(MAX_LINE);
              await client.end("no place\n");
            },
          }
        : {}),
    }),
    urlOf: ({ host, port }, _config, login) =>
      `line://${login === undefined ? "" : `${login.username}:${login.password.reveal()}@`}${host}:${port}`,
  };
  return driver;
}
