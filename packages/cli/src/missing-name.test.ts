import { expect, test } from "vitest";

import { cliFixture } from "./testing/cli-fixture.js";

const LIST = "`vault-cli service list` shows what there is";

test.each([
  [["proxy", "nope", "GET", "/"], "nope", LIST],
  [["http", "--service", "apis", "--method", "GET", "--path", "/"], "apis", `did you mean api? ${LIST}`],
  [["service", "test", "nope"], undefined, LIST],
])("%j names what is missing, and where the names are", async (args, name, hint) => {
  const { run } = await cliFixture();
  const missing = name === undefined ? "nope: no such service" : `no such service "${name}"`;
  expect(await run(args)).toEqual({ code: 1, stdout: "", stderr: `error: ${missing}: ${hint}\n` });
});

test("what was likely meant is asked, and JSON keeps what the vault told", async () => {
  const { run, vault } = await cliFixture();
  vault.answers.set("GET /services", [
    { name: "openai", auth_type: "bearer" },
    { name: "github", auth_type: "bearer" },
  ]);
  const { stderr } = await run(["proxy", "opnai", "GET", "/"]);
  expect(stderr).toBe(`error: no such service "opnai": did you mean openai? ${LIST}\n`);
  expect(JSON.parse((await run(["proxy", "opnai", "GET", "/", "--json"])).stderr)).toMatchObject({
    ...{ error: 'no such service "opnai"', code: "not_found", status: 404 },
    hint: `did you mean openai? ${LIST}`,
  });
});
