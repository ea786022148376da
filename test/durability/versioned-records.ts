import { createHash } from "node:crypto";
import { expectedRecords, type ExpectedRecords } from "./expected-records.js";

/** The longest file that is written, in bytes. */
const LONGEST_FILE = 20_000;

/** Answers with success are acknowledgements; an answer with anything else ends the test. */
export interface VaultClient {
  readonly address: string;
  readonly admin: string;
}

/** A running vault's services, files and tokens, all written through HTTP, and what must be there of them. */
export interface VersionedRecords {
  readonly expected: ExpectedRecords;
  /** How many changes were acknowledged. */
  readonly acknowledged: number;
  putService(client: VaultClient, name: string): Promise<void>;
  deleteService(client: VaultClient, name: string): Promise<void>;
  putFile(client: VaultClient, name: string): Promise<void>;
  deleteFile(client: VaultClient, name: string): Promise<void>;
  /** Each name once: a token is made and revoked, never changed. */
  makeToken(client: VaultClient, name: string): Promise<void>;
  revokeToken(client: VaultClient, name: string): Promise<void>;
  /** Reads all that is there, and gives what is not as it must be, a sentence each. */
  verify(client: VaultClient): Promise<string[]>;
}

/** @param upstream where the services point, for example `http://127.0.0.1:1234`. */
export function versionedRecords(upstream: string): VersionedRecords {
  const expected = expectedRecords();
  /** By name: the tokens whose making was acknowledged, and after that those whose end was. */
  const tokens = new Map<string, string>();
  const revoked: string[] = [];
  let lastVersion = 0;
  let acknowledged = 0;

  async function change<R>(key: string, version: number | undefined, send: () => Promise<R>): Promise<R> {
    expected.sent(key, version);
    const answer = await send();
    expected.acknowledged(key);
    acknowledged += 1;
    return answer;
  }

  async function tokensThatLie(client: VaultClient): Promise<string[]> {
    const wrong: string[] = [];
    const statusOf = async (token: string): Promise<number> =>
      (await send({ ...client, admin: token }, "GET", "/services")).status;
    for (const [name, token] of [...tokens].slice(-4)) {
      if ((await statusOf(token)) !== 200) wrong.push(`token/${name} is not accepted`);
    }
    for (const token of revoked.slice(-4)) {
      if ((await statusOf(token)) !== 401) wrong.push("a revoked token is accepted");
    }
    return wrong;
  }

  return {
    expected,
    get acknowledged() {
      return acknowledged;
    },

    async putService(client, name) {
      const version = (lastVersion += 1);
      const isNew = expected.version(`service/${name}`) === undefined;
      const definition = {
        ...(isNew ? { name } : {}),
        base_url: `${upstream}/version-${version}`,
        auth: { type: "bearer", token: secretOf(version) },
        allow_private: true,
      };
      const [method, path] = isNew ? ["POST", "/services"] : ["PUT", `/services/${name}`];
      await change(`service/${name}`, version, () => accepted(client, method, path, definition));
    },

    async deleteService(client, name) {
      await change(`service/${name}`, undefined, () => accepted(client, "DELETE", `/services/${name}`));
    },

    async putFile(client, name) {
      const version = (lastVersion += 1);
      const form = new FormData();
      form.append("file", new Blob([contentOf(version)]), name);
      await change(`file/${name}`, version, () => accepted(client, "POST", "/files", form));
    },

    async deleteFile(client, name) {
      await change(`file/${name}`, undefined, () => accepted(client, "DELETE", `/files/${name}`));
    },

    async makeToken(client, name) {
      const body = { scope: "proxy", name };
      const { id } = (await change(`token/${name}`, 1, () => accepted(client, "POST", "/tokens", body))) as {
        id: string;
      };
      tokens.set(name, id);
    },

    async revokeToken(client, name) {
      const token = tokens.get(name);
      if (token === undefined) return;
      await change(`token/${name}`, undefined, () => accepted(client, "DELETE", `/tokens/${token}`));
      tokens.delete(name);
      revoked.push(token);
    },

    async verify(client) {
      const found = new Map<string, number>();
      const services = (await accepted(client, "GET", "/services")) as { name: string; base_url: string }[];
      for (const { name, base_url } of services) {
        found.set(`service/${name}`, Number(/\/version-(\d+)$/.exec(base_url)?.[1]));
      }
      const listed = (await accepted(client, "GET", "/tokens")) as { name?: string }[];
      for (const { name } of listed) if (name !== undefined) found.set(`token/${name}`, 1);
      const files = (await accepted(client, "GET", "/files")) as { name: string }[];
      await Promise.all(
        files.map(async ({ name }) => {
          const bytes = Buffer.from(await (await send(client, "GET", `/files/${name}`)).arrayBuffer());
          found.set(`file/${name}`, versionOf(bytes));
        }),
      );
      const wrong = expected.settle(found);
      // A revocation that was on its way may have come through: the record says so, and the token agrees.
      for (const [name, token] of tokens) {
        if (found.has(`token/${name}`)) continue;
        tokens.delete(name);
        revoked.push(token);
      }
      return [...wrong, ...(await tokensThatLie(client))];
    },
  };
}

/** The credential of the service whose `base_url` ends in this version. */
export function secretOf(version: number): string {
  return `secret-of-version-${version}`;
}

/** A file that says which version it is, and shows whether it is whole. */
function contentOf(version: number): Buffer {
  const digest = createHash("sha256").update(String(version)).digest();
  return Buffer.concat([
    Buffer.from(`${version}\n`),
    Buffer.alloc(digest.readUInt32BE() % LONGEST_FILE, digest),
  ]);
}

function versionOf(bytes: Buffer): number {
  const version = Number.parseInt(bytes.subarray(0, 20).toString("latin1"), 10);
  return contentOf(version).equals(bytes) ? version : Number.NaN;
}

function send(client: VaultClient, method: string, path: string, body?: object): Promise<Response> {
  const isForm = body instanceof FormData;
  return fetch(`${client.address}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${client.admin}`,
      ...(body === undefined || isForm ? {} : { "Content-Type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
}

/** What a change was refused with: nothing that a kill may do. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

async function accepted(client: VaultClient, method: string, path: string, body?: object): Promise<unknown> {
  const response = await send(client, method, path, body);
  const text = await response.text();
  if (!response.ok) throw new RefusedError(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
