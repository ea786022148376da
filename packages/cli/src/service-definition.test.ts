import { describe, expect, test } from "vitest";

import { authDefinition, secretLabels } from "./service-definition.js";

describe("authDefinition", () => {
  test("puts each secret where its type wants it", () => {
    const headerName = ["DD-API-KEY", "DD-APPLICATION-KEY"];
    expect(authDefinition("bearer", {}, ["s"])).toEqual({ type: "bearer", token: "s" });
    expect(authDefinition("url", {}, ["s"])).toEqual({ type: "url", token: "s" });
    expect(authDefinition("header", { headerName: ["x-api-key"] }, ["s"])).toEqual({
      type: "header",
      header_name: "x-api-key",
      header_value: "s",
    });
    expect(authDefinition("headers", { headerName }, ["a", "b"])).toEqual({
      type: "headers",
      headers: { "DD-API-KEY": "a", "DD-APPLICATION-KEY": "b" },
    });
    expect(authDefinition("query", { paramName: ["key"] }, ["s"])).toEqual({
      type: "query",
      params: { key: "s" },
    });
    expect(authDefinition("basic", { username: "me" }, ["s"])).toEqual({
      type: "basic",
      username: "me",
      password: "s",
    });
  });

  test("a basic user name may be the secret, with or without a password", () => {
    expect(secretLabels("basic", {})).toEqual(["User name", "Password"]);
    expect(authDefinition("basic", {}, ["sk", "p"])).toEqual({
      type: "basic",
      username: "sk",
      password: "p",
    });
    expect(authDefinition("basic", {}, ["sk", ""])).toEqual({ type: "basic", username: "sk", password: "" });
  });

  test.each([
    ["bearer", {}, []],
    ["bearer", {}, [""]],
    ["bearer", {}, ["a-secret", "b"]],
    ["headers", { headerName: ["A", "B"] }, ["a-secret"]],
    ["header", {}, ["a-secret"]],
    ["header", { headerName: ["A", "B"] }, ["a-secret"]],
    ["query", {}, ["a-secret"]],
    ["basic", { username: "me" }, ["a-secret", "b"]],
    ["basic", {}, ["a-secret"]],
    ["basic", {}, []],
  ] as const)("%s with %j refuses %j without repeating it", (type, flags, values) => {
    const refused = () => authDefinition(type, flags, values);
    expect(refused).toThrow(expect.objectContaining({ name: "UsageError" }));
    expect(refused).not.toThrow("a-secret");
  });

  test("too many lines are told with how many are needed", () => {
    expect(() => authDefinition("bearer", {}, ["a", "b"])).toThrow("the secret has 2 lines, but 1 is needed");
    expect(() => authDefinition("basic", {}, ["only"])).toThrow("the user name is missing");
  });
});
