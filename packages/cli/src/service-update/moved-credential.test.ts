import { expect, test } from "vitest";

import { movedCredential } from "./moved-credential.js";

const at = (base_url: string) => ({ base_url });
const before = at("https://api.example.com/v1");

test("a credential that goes to another host from now on is told of", () => {
  const said = "the credential stayed as it was: calls take it to eu.example.com from now on";
  expect(movedCredential(before, at("https://eu.example.com/v1"), false)).toBe(said);
  expect(movedCredential(before, at("https://api.example.com:8443/v1"), false)).toContain(
    "api.example.com:8443",
  );
});

test("nothing is said of a new credential, of another path, and of services without a URL", () => {
  expect(movedCredential(before, at("https://eu.example.com/v1"), true)).toBeUndefined();
  expect(movedCredential(before, at("https://api.example.com/v2"), false)).toBeUndefined();
  expect(movedCredential({}, {}, false)).toBeUndefined();
});
