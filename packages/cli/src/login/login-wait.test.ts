import { VaultClient } from "@vault-proxy/client";
import { describe, expect, test } from "vitest";

import { terminalContext } from "../testing/terminal-context.js";
import { loginStatus, pollLogin, waitForLogin } from "./login-wait.js";

const PENDING = { status: "pending", service_name: "s" };
const DONE = { status: "done", service_name: "s" };
const GONE = { error: "no such login", code: "not_found" };
const LATER = "2999-01-01T00:00:00Z";

type Step = object | number | Error;

/** A vault that gives these answers, one a call; a number is the status of a failure. The last one stays. */
function vault(...steps: readonly Step[]): { client: VaultClient; calls: string[] } {
  const calls: string[] = [];
  let at = 0;
  const answer = (url: string, init?: RequestInit): Promise<Response> => {
    calls.push(`${init?.method ?? ""} ${new URL(url).pathname}`);
    const step = steps[Math.min(at++, steps.length - 1)];
    if (step instanceof Error) return Promise.reject(step);
    return Promise.resolve(
      typeof step === "number" ? Response.json(GONE, { status: step }) : Response.json(step ?? {}),
    );
  };
  return { client: new VaultClient({ addr: "https://v.example", fetch: answer as typeof fetch }), calls };
}

const wait = (client: VaultClient, timeout?: string, expires_at = LATER) => {
  const terminal = terminalContext("https://v.example");
  const login = { flow: "flow_1", expires_at };
  const begun = { begin: () => Promise.resolve(login), announce: () => Promise.resolve(), timeout };
  return { ended: waitForLogin(terminal.context, client, begun), screen: () => terminal.screen() };
};

test("asks until the login has ended", async () => {
  const { client, calls } = vault(PENDING, DONE);
  expect(await wait(client).ended).toEqual({ ...DONE, flow: "flow_1" });
  expect(calls).toEqual(["GET /auth/oauth2/flows/flow_1", "GET /auth/oauth2/flows/flow_1"]);
});

describe("a vault that is not reached", () => {
  test("may still have the login, until that ends", async () => {
    const { client } = vault(new TypeError("fetch failed"), DONE);
    expect(await wait(client).ended).toMatchObject({ status: "done" });
    const { client: gone } = vault(new TypeError("fetch failed"));
    await expect(wait(gone, undefined, "2020-01-01T00:00:00Z").ended).rejects.toMatchObject({
      code: "connection_failed",
    });
  });

  test("is told at once where nobody knows how long the login is good", async () => {
    const { client } = vault(new TypeError("fetch failed"));
    await expect(pollLogin(client, { flow: "f" })).rejects.toMatchObject({ code: "connection_failed" });
  });
});

test("a login that the vault does not know is told as that", async () => {
  await expect(wait(vault(404).client).ended).rejects.toThrow("the vault does not know this login");
  await expect(loginStatus(vault(404).client, { flow: "f" })).rejects.toMatchObject({ code: "not_found" });
});

describe("after the timeout", () => {
  test("the login is cancelled", async () => {
    const { client, calls } = vault(PENDING, { status: "cancelled" });
    await expect(wait(client, "20ms").ended).rejects.toMatchObject({
      message: "no login within 20ms",
      code: "timeout",
    });
    expect(calls.at(-1)).toBe("DELETE /auth/oauth2/flows/flow_1");
  });

  test("a login that ended in the same moment counts", async () => {
    const { client, calls } = vault(PENDING, 404, DONE);
    expect(await wait(client, "20ms").ended).toMatchObject({ status: "done" });
    expect(calls).toHaveLength(3);
  });

  test("a vault that cannot be told is a warning", async () => {
    const { client } = vault(PENDING, new TypeError("fetch failed"));
    const { ended, screen } = wait(client, "20ms");
    await expect(ended).rejects.toMatchObject({ code: "timeout" });
    expect(screen()).toContain(`the login stays good until ${LATER}`);
  });
});
