import { PassThrough } from "node:stream";
import { VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { createOutput } from "../output.js";
import { ADMIN_TOKEN } from "./fake-vault.js";

/** Of the key bytes 0, 1, … 19. */
export const RECOVERY_KEY = "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-8NPE";

const STORED_FILE = { name: "x.key", mime_type: "application/octet-stream", size: 1 };

const STARTED_LOGIN = {
  ...{ auth_url: "https://id.example/authorize", state: "s", redirect_uri: "https://v.example/cb" },
  ...{ flow: "flow_1", expires_at: "2030-01-01T00:00:00Z" },
};

export interface TerminalContext {
  readonly context: CommandContext;
  /** `METHOD path` of every call that reached the vault. */
  readonly calls: string[];
  /** The body of each, as it was sent. */
  readonly bodies: unknown[];
  /** What the vault lists. */
  readonly services: object[];
  /** Types once `question` is on the screen. */
  answer(question: string, keys: string): Promise<void>;
  /** Ends the input. */
  hangUp(): void;
  screen(): string;
}

/** A context whose streams are a terminal, and whose vault answers everything with success. */
export function terminalContext(addr: string, initialized = true, id = ADMIN_TOKEN): TerminalContext {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 40 });
  const calls: string[] = [];
  const bodies: unknown[] = [];
  const services: object[] = [];
  let screen = "";
  let read = 0;
  stderr.on("data", (chunk: Buffer) => (screen += chunk.toString()));
  const answering = (url: string, init?: RequestInit): Promise<Response> => {
    calls.push(`${init?.method ?? ""} ${new URL(url).pathname}`);
    bodies.push(init?.body);
    if (calls.at(-1) === "GET /services") return Promise.resolve(Response.json(services));
    if (calls.at(-1) === "GET /files") return Promise.resolve(Response.json([]));
    if (calls.at(-1) === "POST /files") return Promise.resolve(Response.json(STORED_FILE));
    return Promise.resolve(
      Response.json({
        ...{ status: "unlocked", initialized, id, scope: "admin", name: "x", auth_type: "bearer" },
        recovery_key: RECOVERY_KEY,
        ...(url.includes("/oauth2/") ? STARTED_LOGIN : {}),
      }),
    );
  };
  const client = new VaultClient({ addr, fetch: answering as typeof fetch });
  return {
    calls,
    bodies,
    services,
    screen: () => screen,
    hangUp: () => stdin.end(),
    answer: async (question, keys) => {
      while (!screen.slice(read).includes(question)) await new Promise((resolve) => setTimeout(resolve, 5));
      read = screen.length;
      stdin.write(keys);
    },
    context: {
      bin: "vault-cli",
      env: {},
      stdin,
      stderr,
      output: createOutput({ stdout: new PassThrough(), stderr, env: {}, json: false }),
      // Below no directory: nothing is ever saved.
      allowInsecure: false,
      sessionPath: "/dev/null/session",
      connect: () => Promise.resolve(client),
    },
  };
}
