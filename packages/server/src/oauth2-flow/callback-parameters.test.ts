import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCallback, readProviderAnswer, type ExpectedProvider } from "./callback-parameters.js";
import { FlowError } from "./flow-failure.js";

const AUTH_URL = "https://accounts.example.com/oauth2/authorize";
const ISSUER = "https://accounts.example.com/tenant";

function read(query: string, expected: Partial<ExpectedProvider> = {}): unknown {
  try {
    return readProviderAnswer(new URLSearchParams(query), {
      ...{ authUrl: AUTH_URL, issuer: undefined, requireIss: undefined },
      ...expected,
    });
  } catch (error) {
    if (error instanceof FlowError) return error.code;
    throw error;
  }
}

describe("a callback", () => {
  test.each(["state", "code", "iss", "error", "error_description"])("with %s twice is none", (name) => {
    expect(parseCallback(`state=a&code=b&${name}=c&${name}=c`)).toBeUndefined();
  });

  test("that no provider could send is none", () => {
    expect(parseCallback(`state=a&code=${"x".repeat(20_000)}`)).toBeUndefined();
  });

  test("is read whatever stands in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (query) => {
        const parsed = parseCallback(query);
        if (parsed !== undefined) read(query);
      }),
    );
  });
});

describe("a provider's answer", () => {
  test("is a code or an error with its texts as they came", () => {
    expect(read("code=c%26+d")).toEqual({ kind: "code", code: "c& d" });
    expect(read("error=access_denied&error_description=No%3Cb%3E")).toEqual({
      kind: "error",
      error: "access_denied",
      description: "No<b>",
    });
    expect(read("error=access_denied&code=c")).toMatchObject({ kind: "error" });
  });

  test.each(["", "code=", "id_token=x", "response=jwt"])("of %j is not usable", (query) => {
    expect(read(query)).toBe("provider_error");
  });

  test("must come from the issuer that is known, exactly, also where it is an error", () => {
    const expected = { issuer: ISSUER };
    expect(read(`code=c&iss=${encodeURIComponent(ISSUER)}`, expected)).toMatchObject({ kind: "code" });
    for (const iss of [
      "https://evil.example",
      `${ISSUER}/`,
      ISSUER.toUpperCase(),
      "https://accounts.example.com",
      "",
    ]) {
      expect(read(`code=c&iss=${encodeURIComponent(iss)}`, expected)).toBe("issuer_mismatch");
      expect(read(`error=access_denied&iss=${encodeURIComponent(iss)}`, expected)).toBe("issuer_mismatch");
    }
    expect(read("code=c", expected)).toBe("issuer_mismatch");
    expect(read("code=c", { ...expected, requireIss: false })).toMatchObject({ kind: "code" });
  });

  test("where no issuer is known may name one on the origin that the person was sent to", () => {
    expect(read("code=c")).toMatchObject({ kind: "code" });
    expect(read("code=c", { requireIss: true })).toBe("issuer_mismatch");
    expect(read("code=c&iss=https%3A%2F%2Faccounts.example.com")).toMatchObject({ kind: "code" });
    for (const iss of ["https://evil.example", "http://accounts.example.com", "accounts.example.com", ""]) {
      expect(read(`code=c&iss=${encodeURIComponent(iss)}`)).toBe("issuer_mismatch");
    }
  });
});
