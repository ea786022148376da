import { expect } from "vitest";
import { unmarshal, type GoType, type GoValue } from "./go-json.js";
import { sendRaw } from "./raw-request.js";
import type { RawRequest } from "./route-row.js";
import type { Answered } from "../live/vault-calls.js";

export interface GoCall extends RawRequest {
  readonly method: string;
  /** An empty one is not sent. */
  readonly token?: string;
}

/** A request as Go's net/http makes it. */
export function sendAsGo(address: string, { method, token = "", ...request }: GoCall): Promise<Answered> {
  const headers = { "User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip", ...request.headers };
  return sendRaw(address, method, { ...request, headers }, token === "" ? undefined : token);
}

/** The same, with the answer read into a struct. */
export async function callAsGo(
  address: string,
  goCall: GoCall,
  { status, type }: { readonly status: number; readonly type: GoType },
): Promise<GoValue> {
  const answer = await sendAsGo(address, goCall);
  expect(answer, answer.text).toMatchObject({ status });
  expect(answer.headers["content-type"]).toBe("application/json");
  expect(answer.headers["x-vault-request-id"]).toMatch(/./);
  return unmarshal(answer.text, type);
}
