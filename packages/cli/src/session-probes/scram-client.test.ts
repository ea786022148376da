import { expect, test } from "vitest";

import { scramClient } from "./scram-client.js";

test("the example of RFC 7677 §3", () => {
  const scram = scramClient("user", "pencil", "rOprNGfwEbeRWgbNEkqO");
  expect(scram.first).toBe("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  expect(
    scram.final("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
  ).toBe(
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  );
});

test.each([
  "",
  "r=other,s=AAAA,i=4096",
  "r=mine1,s=AAAA,i=0",
  "r=mine1,s=AAAA,i=2147483647",
  "r=mine1,s=AAAA",
])("what is no challenge is refused: %j", (serverFirst) => {
  expect(() => scramClient("u", "p", "mine").final(serverFirst)).toThrow("went wrong");
});
