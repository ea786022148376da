import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newSeed, seededRandom } from "../durability/seeded-random.js";
import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { addService, makeToken, unlock } from "../live/vault-calls.js";
import type { EchoAnswer, EchoForm } from "./echo-form.js";
import { ECHO_FORMS } from "./echo-forms.js";
import { makeEchoServices } from "./echo-services.js";
import { startEchoUpstream, type EchoUpstream } from "./echo-upstream.js";
import { afterSilence, difference, secretBytes, type MarkedText } from "./marked-text.js";
import { ask, type Fields, type RawAnswer } from "./raw-answer.js";
import { secretSearch } from "./secret-search.js";

/** docs/http.md: what may leave of the start of a secret when the upstream is silent in the middle of it. */
const LET_GO_BYTES = 4;
const MANY_WRITES = 10;

const seed = newSeed();
const services = makeEchoServices(seededRandom(seed));
const secrets = services.flatMap((service) => service.secrets);
const wireSecrets = services.flatMap(({ auth, secrets: [user = "", password = ""] }) =>
  auth.type === "basic" ? [Buffer.from(`${user}:${password}`).toString("base64")] : [],
);
const findSecret = secretSearch([...secrets, ...wireSecrets]);

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let upstream: EchoUpstream;
let token: string;
let calls = 0;
/** Request ids of answers that hold secrets as a whole or not at all. */
const wholeAnswers: string[] = [];

beforeAll(async () => {
  console.log(
    `echo upstream: seed ${seed} (VAULT_TORTURE_SEED), ${ECHO_FORMS.length} forms, ${services.length} services`,
  );
  directory = await temporaryDirectory();
  upstream = await startEchoUpstream(secrets);
  server = await startServer({ dataDir: directory.path, flags: ["--log-level", "debug"] });
  const admin = await unlock(server);
  // Some forms show parts of secrets; another token would be suspended for it.
  token = await makeToken(server, admin, { scope: "admin" });
  for (const { name, basePath, auth } of services) {
    const base = { name, base_url: `${upstream.origin}${basePath}`, auth, allow_private: true };
    await addService(server, admin, base);
    await addService(server, admin, { ...base, name: `${name}-open`, scrub: "off" });
  }
});

afterAll(async () => {
  await server.stop();
  await upstream.close();
  await directory.remove();
});

interface Echoed {
  readonly answer: RawAnswer;
  readonly sent: EchoAnswer;
}

async function echo(service: string, form: EchoForm): Promise<Echoed> {
  const id = String((calls += 1));
  const method = form.method ?? "GET";
  const isWebSocket = form.requestFields?.includes("Upgrade: websocket") === true;
  const lines = [
    `${method} /proxy/${service}/echo?form=${ECHO_FORMS.indexOf(form)}&call=${id} HTTP/1.1`,
    "Host: localhost",
    `X-Vault-Token: ${token}`,
    ...(form.requestFields ?? []),
    ...(isWebSocket ? [] : ["Connection: close"]),
  ];
  const request = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
  const answer = await ask(server.address, method, request, { untilClose: true });
  const sent = upstream.answers.get(id);
  if (answer === undefined || sent === undefined) throw new Error(`call ${id} was not answered`);
  return { answer, sent };
}

function valueOf(fields: Fields, name: MarkedText): Buffer | undefined {
  const found = fields.find(([given]) => {
    const bytes = Buffer.from(given, "latin1");
    return difference(name, bytes) === undefined;
  });
  return found === undefined ? undefined : Buffer.from(found[1], "latin1");
}

const valueOfName = (fields: Fields, name: string): string | undefined =>
  fields.find(([given]) => given.toLowerCase() === name)?.[1];

function expectFields(received: Fields, expected: EchoAnswer["expected"]["fields"]): void {
  for (const [name, value] of expected ?? []) {
    const found = valueOf(received, name);
    expect(found, `${name.bytes.toString()} among ${JSON.stringify(received)}`).toBeDefined();
    expect(difference(value, found ?? Buffer.alloc(0))).toBeUndefined();
  }
}

function expectAsSent({ answer, sent }: Echoed): void {
  const { expected, writes } = sent;
  expect(answer.status).toBe(expected.status);
  if (expected.body === undefined) {
    expect(answer.isComplete).toBe(expected.isBroken !== true);
    return;
  }
  expect(answer.isComplete).toBe(true);
  // Between many writes a busy machine makes silences of its own.
  const isSlow = writes.length > MANY_WRITES || writes.some((step) => typeof step === "number" && step > 20);
  const received = answer.status === 101 ? answer.rest : answer.body;
  expect(
    difference(isSlow ? afterSilence(expected.body, LET_GO_BYTES) : expected.body, received),
  ).toBeUndefined();
  // A reason phrase that is no UTF-8 is left out.
  if (expected.reason !== undefined && answer.reason !== "") {
    expect(difference(expected.reason, Buffer.from(answer.reason, "latin1"))).toBeUndefined();
  }
  expectFields(answer.fields, expected.fields);
  expectFields(answer.trailers, expected.trailers);
  expectFields(
    answer.interim.flatMap(({ fields }) => fields),
    expected.interim,
  );
}

describe.each(services.map(({ name }) => name))("the credential of %s does not come back", (service) => {
  test.concurrent.each(ECHO_FORMS.map((form) => [form.name, form] as const))("in %s", async (_, form) => {
    const echoed = await echo(service, form);
    expect(findSecret(echoed.answer.bytes.toString("latin1"))).toBeUndefined();
    expect(findSecret(echoed.answer.body.toString("latin1"))).toBeUndefined();
    expectAsSent(echoed);
    const { status, isBroken } = echoed.sent.expected;
    const id = valueOfName(echoed.answer.fields, "x-vault-request-id");
    if (status !== 206 && isBroken !== true && id !== undefined) wholeAnswers.push(id);
  });
});

test("no secret that came as a whole is taken for a guess", () => {
  const guesses = server.log().match(/held a part of a credential.*/g) ?? [];
  expect(guesses.length).toBeGreaterThan(0);
  expect(wholeAnswers.length).toBeGreaterThan(upstream.answers.size / 2);
  expect(guesses.filter((line) => wholeAnswers.some((id) => line.includes(id)))).toEqual([]);
});

test("the forms hold secrets", () => {
  const withSecret = [...upstream.answers.values()].filter(
    ({ expected: { body, fields = [], trailers = [], interim = [], reason } }) =>
      [body, reason, ...[...fields, ...trailers, ...interim].flat()].some(
        (text) => text !== undefined && secretBytes(text) > 0,
      ),
  );
  expect(withSecret.length).toBeGreaterThan(upstream.answers.size / 2);
});

test("no secret is in the server's log, and no vault token at the upstream", () => {
  expect(server.log()).toContain("overwritten");
  expect(findSecret(server.log())).toBeUndefined();
  expect(server.log()).not.toMatch(/unexpected error|failed inside/);
  expect(upstream.heads.join("\n")).not.toContain(token.slice(0, 12));
});
