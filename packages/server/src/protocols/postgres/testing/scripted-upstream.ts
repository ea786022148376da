import type { LoopbackSession } from "../../testing/loopback-session.js";
import { openPostgresSession, type PostgresSessionOptions } from "./postgres-session.js";
import { startScriptedServer, type ScriptedConnection, type ScriptedServer } from "./scripted-server.js";

export const SERVICE_USER = "service_user";
export const SERVICE_PASSWORD = "pässword of the service";

export interface ScriptedUpstreams {
  /** A session whose server does what the script says, without TLS unless `auth` says otherwise. */
  open(
    script: (connection: ScriptedConnection) => Promise<void>,
    options?: Partial<PostgresSessionOptions>,
  ): Promise<LoopbackSession & { readonly server: ScriptedServer }>;
  /** After every test. Throws what went wrong in a script. */
  closeAll(): Promise<void>;
}

export function scriptedUpstreams(): ScriptedUpstreams {
  const closings: (() => Promise<void>)[] = [];
  return {
    async open(script, { auth, ...options } = {}) {
      const server = await startScriptedServer(script);
      closings.push(() => server.stop());
      const session = await openPostgresSession({
        auth: {
          postgres_host: "127.0.0.1",
          postgres_port: server.port,
          postgres_user: SERVICE_USER,
          postgres_password: SERVICE_PASSWORD,
          postgres_tls: "disable",
          ...auth,
        },
        ...options,
      });
      closings.push(() => session.close());
      return { ...session, server };
    },
    async closeAll() {
      for (const close of closings.splice(0)) await close();
    },
  };
}
