import { NoticeMessage } from "pg-protocol/dist/messages.js";
import { Parser } from "pg-protocol/dist/parser.js";
import { describe, expect, test } from "vitest";
import { postgresType, type PostgresConfig } from "../../auth-strategies/session-types/postgres.js";
import { otherDatabaseNotice } from "./database-notice.js";

function configOf(postgres_db: string | undefined): PostgresConfig {
  const server = { postgres_host: "db.example.com", postgres_user: "app", postgres_password: "secret" };
  return postgresType.schema.parse({ type: "postgres", ...server, postgres_db }) as PostgresConfig;
}

function noticeOf(
  postgres_db: string | undefined,
  parameters: Readonly<Record<string, string>>,
): Buffer | undefined {
  return otherDatabaseNotice(configOf(postgres_db), {
    minorVersion: 0,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value: Buffer.from(value) })),
  });
}

function readNotice(bytes: Buffer | undefined): unknown {
  const messages: unknown[] = [];
  new Parser().parse(bytes ?? Buffer.alloc(0), (message: unknown) => messages.push(message));
  expect(messages[0]).toBeInstanceOf(NoticeMessage);
  return messages[0];
}

describe("a client hears nothing of the database", () => {
  test.each([
    ["names none", "orders", { user: "me" }],
    ["names an empty one", "orders", { user: "me", database: "" }],
    ["names the service's", "orders", { user: "me", database: "orders" }],
    ["names the service's, which is not of ASCII", "bestellungën", { user: "me", database: "bestellungën" }],
    ["names that of its own user, as psql does without one", "orders", { user: "me", database: "me" }],
    ["names the service's user's, where the service names none", undefined, { user: "me", database: "app" }],
  ] as const)("that %s", (_name, database, parameters) => {
    expect(noticeOf(database, parameters)).toBeUndefined();
  });
});

describe("a client is warned", () => {
  test.each([
    ["that names another", "orders", { user: "me", database: "other" }, 'stays in the database "orders"'],
    ["that names the beginning of it", "orders", { user: "me", database: "order" }, '"orders"'],
    ["that has no user", "orders", { database: "other" }, '"orders"'],
    ["where the service names none", undefined, { user: "me", database: "other" }, '"app"'],
    [
      "in ASCII alone, as there is no encoding yet",
      "bestellungën",
      { user: "me", database: "x" },
      "service's database",
    ],
  ] as const)("%s", (_name, database, parameters, text) => {
    expect(readNotice(noticeOf(database, parameters))).toMatchObject({
      severity: "WARNING",
      code: "01000",
      message: expect.stringContaining(text) as string,
    });
  });
});
