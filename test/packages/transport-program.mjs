/**
 * How the installed client sends, on whatever runtime has `node:http` for the other end: a request that breaks goes out
 * once, unix sockets are called, and a file is sent whole. Prints what happened as JSON.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NewWithSocket, NewWithToken } from "@vault-proxy/client";

const directory = mkdtempSync(join(tmpdir(), "vault-transport-"));
const requests = { health: 0, tokens: 0 };

const server = createServer((request, response) => {
  const chunks = [];
  request.on("error", () => undefined);
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    const answer = (/** @type {unknown} */ value) => response.end(JSON.stringify(value));
    response.setHeader("content-type", "application/json");
    if (request.url === "/health") {
      requests.health += 1;
      answer({ status: "locked", initialized: true, version: "1" });
    } else if (request.url === "/tokens") {
      requests.tokens += 1;
      request.socket.destroy();
    } else {
      const [, content] = /octet-stream\r\n\r\n(.*)\r\n--/s.exec(body) ?? [];
      answer({ ok: true, bytes: content?.length ?? -1, remote_path: "/x" });
    }
  });
});
const code = (/** @type {{ code?: string, message: string }} */ error) => error.code ?? error.message;

server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const client = NewWithToken(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`, "tok_x");
const file = join(directory, "file");
writeFileSync(file, "content of the file");
const result = {
  // So that there is a connection to be used again.
  health: await client.health(),
  broken: await client.createToken().catch(code),
  uploaded: (await client.sshUpload("box", "/x", file)).bytes,
};
client.close();
server.close();
server.closeAllConnections();

const socketPath = join(directory, "s");
const local = createServer(server.listeners("request")[0]);
local.listen(socketPath);
await once(local, "listening");
const byUnix = NewWithSocket(socketPath, "tok_x");
async function* failing() {
  yield "first";
  throw new Error("the source failed");
}
const unix = {
  health: await byUnix.health(),
  broken: await byUnix.createToken().catch(code),
  failing: await byUnix.proxy("api", "POST", "/x", failing()).catch(code),
};
byUnix.close();
local.close();
local.closeAllConnections();
rmSync(directory, { recursive: true });
console.log(JSON.stringify({ ...result, unix, requests }));
