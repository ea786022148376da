/**
 * What the search for secrets in answers costs: 100 MB of text in chunks of 64 KB, best of five runs each, per second of
 * processor time; then what the tables take.
 */
import { randomBytes } from "node:crypto";
import { Secret } from "../../packages/server/lib/redaction/secret.js";
import { ScrubStream } from "../../packages/server/lib/scrubbing/scrub-stream.js";
import { compileSecretMatcher } from "../../packages/server/lib/scrubbing/secret-matcher.js";

const MEGABYTE = 1_000_000;
const CHUNK_BYTES = 64 * 1024;
const isQuick = process.argv.includes("--quick");
const TEXT_BYTES = (isQuick ? 10 : 100) * MEGABYTE;
const RUNS = isQuick ? 2 : 5;
const lines = [];

const keys = Array.from({ length: 5 }, () => `sk-proj-${randomBytes(39).toString("base64url")}`);
const pem = pemLike(2000);

const matchers = {
  "no secret": compile([]),
  "1 secret of 60": compile(keys.slice(0, 1)),
  "5 secrets of 60": compile(keys),
  "1 key of 2,000 (PEM)": compile([pem]),
};

const texts = {
  JSON: chunks(jsonLikeText()),
  // Each record ends where the last character of a key would be.
  "near-matches": chunks(repeated(() => `{"key":"${keys[0].slice(0, -1)}"},`)),
  // What is found is copied and overwritten.
  "all secrets": chunks(repeated(() => `{"key":"${keys[0]}"},`)),
  "random Base64": chunks(repeated(() => randomBytes(48 * 1024).toString("base64"))),
  "line of one key's bytes": chunks(repeated(() => [...keys[0]].map((_, i) => keys[0].slice(0, i)).join(""))),
};

for (const [textName, pieces] of Object.entries(texts)) {
  for (const [matcherName, matcher] of Object.entries(matchers)) {
    lines.push({ "": `${textName}, ${matcherName}`, "MB a second": megabytesASecond(matcher, pieces) });
  }
}

for (const [name, secrets] of Object.entries({
  "1 of 60": keys.slice(0, 1),
  "5 of 60": keys,
  "1 of 2,000": [pem],
})) {
  compile(secrets);
  const start = performance.now();
  const matcher = compile(secrets);
  const ms = performance.now() - start;
  const kb = Math.round(matcher.tableBytes / 1024);
  lines.push({ "": `table of ${name}`, states: matcher.stateCount, KB: kb, "compiled in ms": ms });
}
process.stdout.write(JSON.stringify(lines));

function compile(secrets) {
  return compileSecretMatcher(secrets.map((secret) => ({ secret: new Secret(secret) })));
}

function megabytesASecond(matcher, pieces) {
  let best = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    const stream = new ScrubStream(matcher);
    let out = 0;
    const start = process.cpuUsage();
    for (let sent = 0, i = 0; sent < TEXT_BYTES; i = (i + 1) % pieces.length) {
      out += stream.push(pieces[i]).length;
      sent += pieces[i].length;
    }
    out += stream.end().length;
    if (out < TEXT_BYTES) throw new Error("bytes were lost");
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, user + system);
  }
  return Math.round(TEXT_BYTES / best);
}

function jsonLikeText() {
  let id = 0;
  return repeated(() => {
    id += 1;
    const words =
      'The quick brown fox jumps over the lazy dog and says \\"hello\\" to https:\\/\\/example.com\\/?a=%2Fb';
    return JSON.stringify({
      id: `chatcmpl-${randomBytes(12).toString("hex")}`,
      object: "chat.completion.chunk",
      created: 1_700_000_000 + id,
      model: "gpt-4o-2024-08-06",
      choices: [{ index: 0, delta: { content: words.slice(id % 40) }, logprobs: null, finish_reason: null }],
      usage: { prompt_tokens: id % 1000, total_tokens: (id * 7) % 5000, cost: 0.000_012 * id },
    });
  });
}

/** 10 MB of what `next` gives. */
function repeated(next) {
  const parts = [];
  for (let length = 0; length < 10 * MEGABYTE;) {
    const part = Buffer.from(next());
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}

function chunks(text) {
  const pieces = [];
  for (let at = 0; at < text.length; at += CHUNK_BYTES) pieces.push(text.subarray(at, at + CHUNK_BYTES));
  return pieces;
}

/** As long as a private key, and cut into lines like one. */
function pemLike(characters) {
  const text = randomBytes(characters)
    .toString("base64")
    .slice(0, Math.floor((characters / 65) * 64));
  return text.replace(/.{64}/g, "$&\n");
}
