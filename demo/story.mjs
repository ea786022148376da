/** The demo, from an empty directory to an agent's streamed call, with every claim checked. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { makeCertificates } from "./certificates.mjs";
import { startChatApi, WORDS } from "./chat-api.mjs";
import { createChildProcesses } from "./child-processes.mjs";
import { createNarrator } from "./narrator.mjs";
import { holds, searchDirectory, watchProcessList } from "./secret-search.mjs";
import { startVault } from "./vault.mjs";

const AGENT = fileURLToPath(new URL("agent.mjs", import.meta.url));
const SHOWN_CHARACTERS = 12;

/** @param {string} secret Enough of it to recognise, not to use. */
const masked = (secret) => `${secret.slice(0, SHOWN_CHARACTERS)}…`;

/** Runs the demo. Throws `ScriptError` if anything is not as claimed. */
export async function tellStory() {
  const directory = mkdtempSync(path.join(tmpdir(), "vault-proxy-demo-"));
  const processes = createChildProcesses();
  /** @type {(() => unknown)[]} */
  const atEnd = [];
  const cleanUp = () => {
    processes.killAll();
    rmSync(directory, { recursive: true, force: true });
  };
  const interrupted = () => process.exit(130);
  process.on("exit", cleanUp);
  process.on("SIGINT", interrupted);
  process.on("SIGTERM", interrupted);
  try {
    await tell(directory, processes, atEnd);
  } finally {
    await processes.stopAll();
    for (const stop of atEnd) await stop();
    cleanUp();
    process.off("exit", cleanUp);
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
  }
}

/**
 * @param {string} directory
 * @param {ReturnType<typeof createChildProcesses>} processes
 * @param {(() => unknown)[]} atEnd Takes what must be called when the story ends, well or badly.
 */
async function tell(directory, processes, atEnd) {
  const { title, step, tell: say, command, claim, print } = createNarrator();
  const started = performance.now();
  const key = `sk-demo-${randomBytes(24).toString("hex")}`;
  const password = randomBytes(18).toString("base64url");
  const secrets = new Set([key, password]);
  const processList = watchProcessList(secrets);
  atEnd.push(processList.stop);

  title("vault-proxy: an agent calls an API without ever holding its key");

  step("An API that demands a key, and an empty vault");
  const certificates = await makeCertificates();
  const api = await startChatApi({ key, tls: certificates });
  atEnd.push(api.stop);
  const caFile = path.join(directory, "ca.pem");
  writeFileSync(caFile, certificates.ca);
  const vault = await startVault(processes, directory);
  say(`API    ${api.url}  (OpenAI's shape, TLS from a CA of its own, key ${masked(key)})`);
  say(`vault  ${vault.address}  (the real vault-server, a throw-away data directory)`);

  step("The owner creates the vault, stores the key, and mints a token for the agent");
  command("vault-cli unlock                      # password on standard input");
  await vault.cli(["unlock"], `${password}\n`);
  command(`vault-cli service add openai --type bearer --bearer-stdin \\
     --base-url ${api.url} --allow-private --tls-ca ca.pem`);
  const privateApi = ["--allow-private", "--tls-ca", caFile];
  await vault.cli(
    ["service", "add", "openai", "--type", "bearer", "--bearer-stdin", "--base-url", api.url, ...privateApi],
    `${key}\n`,
  );
  command("TOKEN=$(vault-cli token create proxy --name agent --ttl 1h)");
  const token = (await vault.cli(["token", "create", "proxy", "--name", "agent", "--ttl", "1h"])).trim();
  claim("a token of 256 random bits", /^tok_[A-Za-z0-9_-]{43}$/.test(token));
  secrets.add(token).add(vault.adminToken());

  step("What the agent has");
  const openaiUrl = `${vault.address}/proxy/openai/v1`;
  say(`OPENAI_BASE_URL=${openaiUrl}`);
  say(`OPENAI_API_KEY=${masked(token)}   (the vault's token, not OpenAI's key)`);
  /** Everything that the agent got back, to be searched for the key. @type {string[]} */
  const agentSaw = [];
  /**
   * Calls with curl, headers from standard input: arguments can be read by every user of the machine.
   *
   * @param {string[]} args
   * @returns {Promise<{ status: number, body: string }>}
   */
  const curl = async (args) => {
    const ended = await processes.runToEnd(
      "curl",
      ["-q", "-sS", "-N", "--max-time", "30", "-K", "-", "-w", "\n%{http_code}", ...args],
      { input: `header = "Authorization: Bearer ${token}"\n` },
    );
    agentSaw.push(ended.stdout, ended.stderr);
    const [, body = "", status = "0"] = /^([\s\S]*)\n(\d+)$/.exec(ended.stdout) ?? [];
    return { status: Number(status), body };
  };
  const direct = await curl(["--cacert", caFile, `${api.url}/v1/models`]);
  claim(
    "sent straight to the API, the token is worth nothing: 401",
    direct.status === 401,
    String(direct.status),
  );
  api.received.length = 0;

  step("The agent calls with curl");
  command(`curl ${openaiUrl}/models -H "Authorization: Bearer $TOKEN"`);
  const models = await curl([`${openaiUrl}/models`]);
  say(models.body);
  claim(
    "the API answered 200 through the vault",
    models.status === 200,
    `${String(models.status)} ${models.body}`,
  );

  step("The agent calls with the official openai SDK, streaming; only base URL and key are changed");
  command("OPENAI_BASE_URL=… OPENAI_API_KEY=$TOKEN node demo/agent.mjs");
  print("   ");
  const agent = await processes.runToEnd(process.execPath, [AGENT], {
    env: { OPENAI_BASE_URL: openaiUrl, OPENAI_API_KEY: token },
    onOutput: print,
  });
  agentSaw.push(agent.stdout, agent.stderr);
  claim("the SDK got the whole answer", agent.stdout === `${WORDS.join(" ")}\n`, agent.stderr);
  const chat = api.received.find((call) => call.request === "POST /v1/chat/completions");
  const lastSentAt = chat?.wordsSentAt.at(-1) ?? 0;
  const early = agent.outputAt.filter((at) => at < lastSentAt).length;
  claim(
    `word by word: ${String(early)} pieces had arrived before the API sent the last one`,
    early >= WORDS.length / 2,
  );

  step("What the API received");
  for (const call of api.received) {
    const keyCame = call.authorization === `Bearer ${key}`;
    say(`${call.request}`);
    say(
      `  Authorization: Bearer ${keyCame ? masked(key) : "(something else)"}   the key: ${keyCame ? "yes" : "no"}`,
    );
    claim("the vault put the key in", keyCame);
    claim("and the agent's token stayed behind", !call.headerValues.some((value) => holds(value, token)));
  }
  claim("two calls, and no more", api.received.length === 2, String(api.received.length));

  step("What the token cannot do");
  const services = await curl([`${vault.address}/services`]);
  claim(
    "GET /services          200: it sees the service's name and address, and no secret",
    services.status === 200 && services.body.includes('"openai"') && !holds(services.body, key),
    String(services.status),
  );
  for (const [method, route, what] of [
    ["GET", "/files", "read uploaded files"],
    ["GET", "/tokens", "list tokens"],
    ["POST", "/tokens", "mint tokens"],
    ["PUT", "/services/openai", "change a service"],
    ["POST", "/auth/lock", "lock the vault for the others"],
  ]) {
    const refused = await curl(["-X", String(method), `${vault.address}${String(route)}`]);
    claim(
      `${`${String(method)} ${String(route)}`.padEnd(22)} 403: it cannot ${String(what)}`,
      refused.status === 403,
      `${String(refused.status)} ${refused.body}`,
    );
  }

  step("Where the key is not");
  claim("in nothing that the agent got back", !agentSaw.some((text) => holds(text, key)));
  const listed = processList.stop();
  claim(`in no process's arguments (looked ${String(listed.looks)} times)`, !listed.found);
  const status = await vault.stop();
  claim("vault-server stopped cleanly on SIGTERM", status === 0, `status ${String(status)}`);
  const inFiles = searchDirectory(vault.dataDir, [...secrets]);
  claim(
    `in no file of the vault (${String(inFiles.files)} read): neither key, token nor password`,
    inFiles.files > 0 && inFiles.found.length === 0,
    inFiles.found.join("\n"),
  );
  const log = vault.log();
  claim(
    `nor in the server's log, written at debug level (${String(log.split("\n").length)} lines)`,
    ![...secrets].some((secret) => holds(log, secret)),
  );

  title(
    `Done in ${((performance.now() - started) / 1000).toFixed(1)} s; nothing of it stays behind. For real:`,
  );
  print(START_FOR_REAL);
}

const START_FOR_REAL = `
   npm start                                          # the server, on 127.0.0.1:8390

   export PATH="$PWD/bin:$PATH"
   vault-cli unlock                                   # asks for a password; the first time it creates the vault
   vault-cli service add openai                       # asks for the key, and tests it
   vault-cli token create --name my-agent             # prints the agent's token

   # in the agent's own shell:
   export VAULT_TOKEN=tok_…
   curl http://127.0.0.1:8390/proxy/openai/v1/models -H "Authorization: Bearer $VAULT_TOKEN"

`;
