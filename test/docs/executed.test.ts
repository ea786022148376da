import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PASSWORD } from "../live/processes.js";
import type { FencedBlock, Treatment } from "./fenced-blocks.js";
import { jsonDocuments } from "./json-documents.js";
import { BOX, startBox, startMail } from "./page-servers.js";
import { lastToken, openPageWorld, SECRET, type PageWorld, type Ran } from "./page-world.js";
import { blocksOf, PAGES, readPage } from "./pages.js";
import { runnableModule } from "./snippet-types.js";

/*
 * Does what the pages say: each page on a machine of its own, its blocks one after the other, as they stand there.
 * Names of APIs lead to a stub that wants the credential that was typed where the page had it asked for.
 */

const hosts = new Set(
  PAGES.flatMap((page) => readPage(page).match(/\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|ai|app)\b/g) ?? []),
);
/** What a page takes for granted that only shows how an agent calls. */
const SERVICES = ["openai", "openrouter", "anthropic", "github", "stripe"];
for (const name of SERVICES) hosts.add(`${name}.example.com`);
/** Where presets have people log in. */
for (const host of ["accounts.google.com", "login.microsoftonline.com"]) hosts.add(host);
const isDone = ({ treatment: { kind } }: FencedBlock): boolean =>
  !["session", "by", "ci", "unsaid"].includes(kind);
const pages = PAGES.map((page) => ({ page, blocks: blocksOf(page).filter(isDone) }));
const isRun = ({ treatment: { kind } }: FencedBlock): boolean => kind === "run";
/** Pages of a folder share a machine; where nothing is run, definitions of all other pages go to one vault. */
const worldOf = ({ page, blocks }: (typeof pages)[number]): string => {
  const folder = /^docs\/\w[\w-]*\//.exec(page)?.[0];
  if (folder !== undefined) return `${folder}*.md`;
  return blocks.some(isRun) ? page : "all other pages";
};
const worlds = [...new Set(pages.map(worldOf))].map((page) => ({
  page,
  blocks: pages.filter((member) => worldOf(member) === page).flatMap(({ blocks }) => blocks),
}));

interface Operation {
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}
interface Content {
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
}
interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}
interface Document {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** What the lists hold that an answer has under that name. */
function memberOf(document: Document, schema: Schema | undefined, name: string): Schema | undefined {
  const resolved = resolve(document, schema);
  return resolve(document, resolve(document, resolved?.properties?.[name])?.items);
}

function resolve(document: Document, schema: Schema | undefined): Schema | undefined {
  const name = schema?.$ref?.split("/").at(-1);
  return name === undefined ? schema : document.components.schemas[name];
}

describe.each(worlds)("$page", ({ blocks }) => {
  let world: PageWorld;
  let admin = "";
  let token = "tok_…";
  let document: Document;
  const startsItself = blocks.some(
    ({ given, treatment }) =>
      treatment.kind === "run" && treatment.until === "listening on" && !given.includes("VAULT_DATA_DIR="),
  );
  const needsVault = !startsItself;
  const commands = blocks.map(({ given, text }) => `${given}\n${text}`).join("\n");
  const speaksOf = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(commands);

  const request = async (method: string, path: string, type: string, body: string): Promise<Ran> => {
    const file = join(world.home, ".request-body");
    await writeFile(file, body);
    const url = `http://127.0.0.1:8390${path}`;
    const fields = [`Content-Type: ${type}`, ...(admin === "" ? [] : [`Authorization: Bearer ${admin}`])];
    const headers = fields.flatMap((field) => ["-H", field]);
    const data = body === "" ? [] : ["--data-binary", `@${file}`];
    return world.program(["curl", "-sS", "--fail-with-body", "-X", method, ...headers, ...data, url]);
  };

  beforeAll(async () => {
    world = await openPageWorld([...hosts]);
    if (speaksOf("box") || speaksOf("loghost")) await startBox(world);
    if (speaksOf("oauth-service")) await startMail(world);
    if (!needsVault) return;
    await world.background("exec vault-server", "listening on");
    expect(await world.shell("vault-cli unlock")).toMatchObject({ code: 0 });
    const unlocked = await request(
      "POST",
      "/auth/unlock",
      "application/json",
      JSON.stringify({ password: PASSWORD }),
    );
    admin = (JSON.parse(unlocked.output) as { id: string }).id;
    document = JSON.parse((await request("GET", "/openapi.json", "application/json", "")).output) as Document;
    if (!blocks.some(({ treatment }) => treatment.kind === "run" && treatment.as === "agent")) return;
    const services = SERVICES.map((name) => ({
      ...{ name, base_url: `https://${name}.example.com`, auth: { type: "bearer", token: SECRET } },
    }));
    const box = { type: "ssh_key", ssh_host: BOX, ssh_user: "deploy", ssh_password: SECRET };
    for (const service of [...services, { name: "box", auth: box }]) {
      if (commands.includes(`service add ${service.name}`) || !speaksOf(service.name)) continue;
      await request("POST", "/services", "application/json", JSON.stringify(service));
    }
    const made = await request("POST", "/tokens", "application/json", '{"scope":"proxy","name":"my-agent"}');
    token = lastToken(made.output) ?? token;
    await world.shell(`export VAULT_TOKEN=${token}`, "agent");
  });
  afterAll(() => world.close());

  const run = async (block: FencedBlock, treatment: Extract<Treatment, { kind: "run" }>): Promise<void> => {
    const text = block.text.replaceAll("tok_…", token);
    if (treatment.until !== undefined) return world.background(`${block.given}\n${text}`, treatment.until);
    let script = `${block.given}\n${text}\n${block.then}`;
    if (["ts", "js"].includes(block.language)) {
      await writeFile(join(world.home, "snippet.mjs"), runnableModule({ ...block, text }));
      script = "node snippet.mjs";
    } else if (block.language === "python") {
      await writeFile(join(world.home, "snippet.py"), `${block.given}\n${text}\n${block.then}`);
      script = "python3 snippet.py";
    }
    const ran = await world.shell(script, treatment.as);
    expect(ran.code, ran.output).toBe(0);
    token = lastToken(ran.output) ?? token;
  };
  const send = async (block: FencedBlock, method: string, path: string): Promise<void> => {
    const isJson = block.language === "json";
    const prepared = await world.shell(block.given);
    expect(prepared.code, prepared.output).toBe(0);
    const text = block.text.replaceAll("…", SECRET);
    const bodies = isJson ? jsonDocuments(text).map((value) => JSON.stringify(value)) : [text];
    for (const body of bodies) {
      const answer = await request(method, path, isJson ? "application/json" : "application/yaml", body);
      expect(answer.code, answer.output).toBe(0);
    }
  };
  const save = async (block: FencedBlock, file: string): Promise<void> => {
    await writeFile(join(world.home, file), block.text);
    const ran = await world.shell(`${block.given}\n${block.then}`);
    expect(ran.code, ran.output).toBe(0);
  };
  const fit = (block: FencedBlock, schema: object | undefined): void => {
    expect(schema, "OpenAPI has no such schema").toBeDefined();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    addFormats.default(ajv);
    ajv.addSchema({ ...document, $id: "openapi" });
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object;
    const validate = ajv.compile(absolute);
    for (const value of jsonDocuments(block.text)) expect(validate(value) ? [] : validate.errors).toEqual([]);
  };

  test.each(
    blocks.map((block) => ({ block, at: `${block.page}:${String(block.line)}`, kind: block.treatment.kind })),
  )("$at: $kind", async ({ block }) => {
    const { treatment } = block;
    if (treatment.kind === "run") await run(block, treatment);
    else if (treatment.kind === "send") await send(block, treatment.method, treatment.path);
    else if (treatment.kind === "saved") await save(block, treatment.file);
    else if (treatment.kind === "body" || treatment.kind === "answer") {
      const operation = document.paths[treatment.path]?.[treatment.method.toLowerCase()];
      const content =
        treatment.kind === "body" ? operation?.requestBody : operation?.responses[treatment.status];
      const schema = content?.content["application/json"]?.schema;
      const member = treatment.kind === "answer" ? treatment.member : undefined;
      fit(block, member === undefined ? schema : memberOf(document, schema, member));
    }
  });
});
