import { describe, expect, test } from "vitest";
import {
  generatedSecretsOf,
  searchedSecretsOf,
  serviceDefinitionSchema,
  toServiceRecord,
  warningsOf,
} from "../service-definition.js";

const KEY = "ghp_16C7e42F292c6912E7710c83";

function serviceWith(auth: object) {
  return toServiceRecord(
    serviceDefinitionSchema.parse({ name: "svc", base_url: "https://api.example.com", auth }),
  );
}

const headers = (fields: Record<string, string>) => serviceWith({ type: "headers", headers: fields });
const header = (value: string) =>
  serviceWith({ type: "header", header_name: "Authorization", header_value: value });

describe("of a header value with a scheme", () => {
  test("the credential is searched for by itself, in answers and in requests to other services", () => {
    for (const service of [header(`token ${KEY}`), headers({ Authorization: `token ${KEY}` })]) {
      const all = [`token ${KEY}`, KEY];
      expect(searchedSecretsOf(service).map(({ secret }) => secret.reveal())).toEqual(all);
      expect(generatedSecretsOf(service).map((secret) => secret.reveal())).toEqual(all);
    }
  });
});

describe("a header that is no secret", () => {
  test.each([
    ["Accept", "application/vnd.github+json"],
    ["content-type", "application/x-www-form-urlencoded;charset=utf-8"],
    ["Content_Type", "something-else-entirely"],
    ["User-Agent", "example-agent/1.0 (admin@example.com)"],
    ["Accept-Language", "en-US,en;q=0.9,de;q=0.8,fr;q=0.7"],
    ["X-GitHub-Api-Version", "2022-11-28-and-some-more"],
    ["Anthropic-Beta", "prompt-caching-2024-07-31"],
    ["X-Format", "application/json"],
  ])("%s: %s is searched for neither in answers nor in requests", (name, value) => {
    const service = headers({ "X-Api-Key": KEY, [name]: value });
    expect(searchedSecretsOf(service).map(({ secret }) => secret.reveal())).toEqual([KEY]);
    expect(generatedSecretsOf(service).map((secret) => secret.reveal())).toEqual([KEY]);
    expect(warningsOf(service)).toEqual([]);
  });

  test.each(["application/", "secret/0123456789abcdefgh", "text/plain secret-0123456789"])(
    "is not one with the value %s",
    (value) => {
      const searched = searchedSecretsOf(headers({ "X-Key": value })).map(({ secret }) => secret.reveal());
      expect(searched).toContain(value);
    },
  );
});
