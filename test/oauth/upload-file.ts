import { expect } from "vitest";
import type { RunningServer } from "../live/processes.js";
import { call } from "../live/vault-calls.js";

const BOUNDARY = "boundary-0123456789";

/** Stores a file in the vault. */
export async function uploadFile(
  server: RunningServer,
  admin: string,
  name: string,
  content: string,
): Promise<void> {
  const answer = await call(server.address, "POST", "/files", {
    token: admin,
    headers: { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` },
    body:
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n` +
      `${content}\r\n--${BOUNDARY}--\r\n`,
  });
  expect(answer.status, answer.text).toBe(201);
}
