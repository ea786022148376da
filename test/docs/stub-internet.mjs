/**
 * An internet of one machine, for what pages show: every name of theirs leads to one API on port 443, in a network
 * namespace without a way out. To be started by page-world.ts under `unshare --net --mount`, with an IPC channel.
 *
 *     node stub-internet.mjs <directory with hosts, cert.pem and key.pem> <secret>
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

const [directory = "", secret = ""] = process.argv.slice(2);
const strangers = Object.keys(networkInterfaces()).filter((name) => name !== "lo");
if (strangers.length > 0) throw new Error(`this namespace has a way out: ${strangers.join(", ")}`);
const ip = (/** @type {string} */ args) => execFileSync("ip", args.split(" "), { stdio: "pipe" });
ip("link set lo up");
ip("route add local 0.0.0.0/0 dev lo");
execFileSync("mount", ["--bind", join(directory, "hosts"), "/etc/hosts"], { stdio: "pipe" });

/**
 * What an API says that has the shape which a page goes on with.
 *
 * @type {Readonly<Record<string, unknown>>}
 */
const ANSWERS = {
  "GET /v1/models": {
    object: "list",
    data: [{ id: "gpt-4.1", object: "model", created: 0, owned_by: "openai" }],
  },
  "POST /v1/chat/completions": {
    ...{ id: "chatcmpl-1", object: "chat.completion", created: 0, model: "gpt-4.1" },
    choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
  },
  "POST /v1/messages": {
    ...{ id: "msg_1", type: "message", role: "assistant", model: "claude", stop_reason: "end_turn" },
    ...{ content: [{ type: "text", text: "Hello." }], usage: { input_tokens: 1, output_tokens: 1 } },
  },
  "GET /v1/balance": { object: "balance", available: [], pending: [] },
  "GET /user": { login: "ann" },
  "GET /user/repos": [{ full_name: "ann/app" }],
};

/** Wherever a credential can stand: in the path, the query or a header, also as basic authentication. */
const holdsSecret = (/** @type {import("node:http").IncomingMessage} */ request) => {
  const [, basic = ""] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  const places = [request.url, ...request.rawHeaders, Buffer.from(basic, "base64").toString()];
  return places.some((place) => place?.includes(secret) === true);
};

const certificate = {
  cert: readFileSync(join(directory, "cert.pem")),
  key: readFileSync(join(directory, "key.pem")),
};

const server = createServer(certificate, (request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += String(chunk)));
  request.on("end", () => {
    const send = (/** @type {number} */ status, /** @type {unknown} */ value) =>
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
    process.send?.({
      received: { host: request.headers.host, method: request.method, target: request.url },
    });
    const { pathname: path, searchParams } = new URL(request.url ?? "/", "https://api");
    const redirect = searchParams.get("redirect_uri");
    if (redirect !== null) {
      const state = encodeURIComponent(searchParams.get("state") ?? "");
      return response.writeHead(302, { Location: `${redirect}?code=agreed&state=${state}` }).end();
    }
    if (/grant_type=/.test(body) && (body.includes(secret) || holdsSecret(request))) {
      return send(200, {
        ...{ access_token: secret, token_type: "bearer", expires_in: 3600 },
        ...{ refresh_token: `${secret}-refresh`, scope: searchParams.get("scope") ?? "" },
      });
    }
    if (!holdsSecret(request)) return send(401, { error: { message: "no such key" } });
    if (/"stream": *true/.test(body)) {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      const piece = { ...{ id: "1", object: "chat.completion.chunk", created: 0, model: "gpt-4.1" } };
      const choices = [{ index: 0, delta: { content: "Hello." }, finish_reason: null }];
      return response.end(`data: ${JSON.stringify({ ...piece, choices })}\n\ndata: [DONE]\n\n`);
    }
    if (path === "/no-such-thing") return send(404, { message: "Not Found" });
    return send(200, ANSWERS[`${String(request.method)} ${path}`] ?? { ok: true });
  });
});
server.listen({ port: 443, host: "0.0.0.0" }, () => process.send?.({ ready: true }));
process.on("disconnect", () => process.exit(0));
