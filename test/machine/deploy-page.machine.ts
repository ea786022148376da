import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf } from "../docs/pages.js";
import { startMachine, type Machine, type Ran } from "./debian-machine.js";

/*
 * What README.md and docs/deploy.md show for systemd, Podman and Docker, as it stands there, on a machine that has them.
 * `npm run test:machine` runs this; `npm test` does not: making the machine and its image takes longer than all else.
 */

const SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789";
const OWN_PASSWORD = "correct horse battery staple";
const THIS = "test/machine/deploy-page.machine.ts";
const COMPOSE = "docker compose --file docker/compose.yaml";

const blocks = ["README.md", "docs/deploy.md"]
  .flatMap(blocksOf)
  .filter(({ treatment }) => treatment.kind === "by" && treatment.test === THIS);
const left = new Set(blocks.map(({ text }) => text));
const ran = new Set<string>();

/** The one block that these words are in. */
function block(words: RegExp): string {
  const found = blocks.filter(({ text }) => words.test(text));
  expect([...new Set(found.map(({ text }) => text))]).toHaveLength(1);
  const text = found[0]?.text ?? "";
  ran.add(text);
  return text;
}

let machine: Machine;

beforeAll(async () => {
  machine = await startMachine();
}, 300_000);
afterAll(() => machine.close());

async function done(running: Promise<Ran>): Promise<string> {
  const { code, output } = await running;
  expect(code, output).toBe(0);
  return output;
}

const healthy = "curl -s --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:8390/health; echo";

describe("systemd", () => {
  test("the unit starts what npm installed, is unlocked, and answers when it counts as started", async () => {
    await done(machine.shell(block(/^npm run build && npm pack/)));
    await done(machine.shell(block(/systemctl enable --now vault-proxy/)));
    const log = await done(machine.shell("journalctl --unit vault-proxy --no-pager"));
    expect(log).toContain("unlocked with the systemd credential");
    expect(log).not.toMatch(/WARN|ERROR/);
    expect(await done(machine.shell("vault-cli doctor"))).not.toMatch(/^(?:fail|warn)/m);
  }, 120_000);

  test("it stops within its time, and starts again unlocked", async () => {
    await done(machine.shell("timeout 6 systemctl stop vault-proxy"));
    expect(await done(machine.shell(`systemctl start vault-proxy && sleep 2 && ${healthy}`))).toContain(
      '"status":"unlocked"',
    );
    await done(machine.shell("systemctl disable --now vault-proxy"));
  }, 60_000);
});

describe("Podman", () => {
  test("a user's own service manager starts the quadlet, and the vault answers on this machine's loopback", async () => {
    // This kernel gives the limits of memory and processes to no user.
    const folder = "~/.config/containers/systemd/vault-proxy.container.d";
    const limitless =
      "[Container]\\nPidsLimit=\\nPodmanArgs=\\nPodmanArgs=--stop-timeout=15 --cgroups=disabled\\n";
    await done(machine.shell(`mkdir -p ${folder} && printf '${limitless}' >${folder}/kernel.conf`, "ann"));
    const typed = { password: "", secret: SECRET };
    const output = await done(machine.typed(block(/^podman build/), typed, "ann"));
    expect(output).toContain("Session saved");
    expect(await done(machine.shell(healthy))).toContain('"status":"unlocked"');
    const service =
      "podman exec --interactive vault-proxy vault-cli service add openai --no-test --secret-stdin";
    await done(machine.shell(`echo ${SECRET} | ${service}`, "ann"));
    // Whatever it shows, its port must be free for what follows.
    const restarted = "systemctl --user restart vault-proxy; sleep 2; curl -s http://127.0.0.1:8390/health";
    const shown = await done(machine.shell(`${restarted}; systemctl --user stop vault-proxy`, "ann"));
    expect(shown).toContain('"status":"unlocked"');
  }, 300_000);
});

describe("Docker", () => {
  test("one command builds the image, and starts a vault that answers on this machine's loopback", async () => {
    await done(machine.shell(block(/^docker compose .* up --build/)));
    expect(await done(machine.shell(`${healthy}; sleep 1; ${healthy}`))).toContain('"status":"unlocked"');
    const listening = await done(machine.shell("ss --listening --tcp --numeric --no-header"));
    const addresses = [...listening.matchAll(/ (\S+):(?:8390|20\d\d\d) /g)].map(([, address]) => address);
    expect(addresses).toHaveLength(102);
    expect(new Set(addresses)).toEqual(new Set(["127.0.0.1"]));
  }, 300_000);

  test("the engine finds it healthy, and holds it to what compose.yaml says", async () => {
    const format =
      "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.Config.User}} {{.State.Health.Status}}";
    const name = `$(${COMPOSE} ps --quiet vault-proxy)`;
    const inspect = `docker inspect --format '${format}' ${name}`;
    const wait = `for _ in $(seq 45); do ${inspect} | grep -q starting || break; sleep 1; done`;
    expect(await done(machine.shell(`${wait}; ${inspect}`))).toBe("true [ALL] 65532:65532 healthy\n");
  }, 120_000);

  test("an upgrade keeps the data", async () => {
    await machine.commit("docker/make-password.mjs", "// another version");
    await done(machine.shell(block(/^git pull/)));
    expect(await done(machine.shell(`${healthy}; sleep 1; ${healthy}`))).toContain('"initialized":true');
  }, 300_000);

  test("vault-cli in it makes a session, a service, a token and a recovery key", async () => {
    machine.cutNetwork();
    const output = await done(
      machine.typed(block(/vault service add openai/), { password: "", secret: SECRET }),
    );
    expect(output).toContain("Session saved");
    expect(output).toContain("Service added.");
    expect(output).toMatch(/tok_[\w-]{43}/);
    expect(output).toMatch(/(?:[0-9A-Z]{4}-){8}[0-9A-Z]{4}/);
    expect(output).not.toContain(SECRET);
  }, 120_000);

  test("an agent of this machine calls through it, and does not see the credential", async () => {
    const api = `node -e 'require("http").createServer((q, a) => a.end(q.headers.authorization)).listen(8080, "0.0.0.0")'`;
    const gateway =
      "$(docker network inspect vault-proxy_default --format '{{(index .IPAM.Config 0).Gateway}}')";
    const service = `--base-url http://${gateway}:8080 --bearer-stdin --allow-private`;
    const vault = `${COMPOSE} exec --no-TTY vault-proxy vault-cli`;
    const output = await done(
      machine.shell(
        `${api} & trap 'kill %1' EXIT; sleep 1\n` +
          `echo ${SECRET} | ${vault} service add mine ${service} >/dev/null\n` +
          `token=$(${vault} token create --name agent --ttl 1h)\n` +
          'curl -s -w " %{http_code}" -H "Authorization: Bearer $token" http://127.0.0.1:8390/proxy/mine/x',
      ),
    );
    // It came, and what came is masked in the answer.
    expect(output).toMatch(/Bearer \*+ 200/);
  }, 60_000);

  test("a backup is copied out, and a later state goes back to it", async () => {
    const vault = `${COMPOSE} exec --no-TTY vault-proxy vault-cli`;
    const names = `${vault} service list --json | grep -o '"name": "[a-z]*"'`;
    await done(machine.shell(block(/cp vault-proxy:\/var\/lib/)));
    await done(machine.shell(`${vault} service remove mine --yes`));
    expect(await done(machine.shell(names))).not.toContain("mine");
    const password = (
      await done(
        machine.shell(
          `${COMPOSE} exec --no-TTY vault-proxy node -p 'fs.readFileSync("/run/vault-proxy/vault-password", "utf8")'`,
        ),
      )
    ).trim();
    const restore = `chmod a+r vault-2026-11-22.enc\n${block(/vault restore \/backup\.enc/)}`;
    await done(machine.typed(restore, { password, secret: SECRET }));
    const unlock = `sleep 1; ${vault} unlock --password-file /run/vault-proxy/vault-password`;
    expect(await done(machine.shell(`${unlock}; ${names}`))).toContain("mine");
  }, 120_000);

  test("a password of one's own is typed before the first start", async () => {
    await done(machine.shell(`${COMPOSE} down --volumes`));
    const typed = `set -e\nexec <<<'${OWN_PASSWORD}'\n${block(/^read -rs password/)}`;
    await done(machine.shell(typed));
    const vault = `${COMPOSE} exec --no-TTY vault-proxy vault-cli`;
    await done(machine.shell(`${COMPOSE} up --detach && ${healthy}`));
    const output = await done(machine.shell(`sleep 1; echo '${OWN_PASSWORD}' | ${vault} unlock`));
    expect(output).toContain("Session saved");
    await done(machine.shell(`${COMPOSE} down --volumes`));
  }, 120_000);
});

test("nothing that is said to run here was left out", () => {
  expect([...left].filter((text) => !ran.has(text))).toEqual([]);
});
