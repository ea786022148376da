import { call, type Answered } from "../live/vault-calls.js";
import type { RawRequest } from "./route-row.js";

/** Sends a row's request by hand. */
export async function sendRaw(
  address: string,
  method: string,
  { target, json, form, headers = {} }: RawRequest,
  token?: string,
): Promise<Answered> {
  const authorization = token === undefined ? {} : { token };
  if (form !== undefined) {
    const fields = new FormData();
    for (const [name, value] of Object.entries(form)) fields.set(name, value);
    const encoded = new Response(fields);
    const contentType = encoded.headers.get("content-type") ?? "";
    const body = Buffer.from(await encoded.arrayBuffer());
    return call(address, method, target, {
      ...authorization,
      headers: { ...headers, "Content-Type": contentType },
      body,
    });
  }
  const body = json === undefined ? {} : { body: JSON.stringify(json) };
  return call(address, method, target, { ...authorization, headers, ...body });
}
