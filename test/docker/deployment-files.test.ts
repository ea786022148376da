import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../packages/server/src/config/command-line.js";
import type { ServerConfig } from "../../packages/server/src/config/server-config.js";
import { cli } from "../live/processes.js";
import {
  composeFacts,
  composeServices,
  DEPLOYMENT_FILES,
  imageFacts,
  kubernetesFacts,
  kubernetesPod,
  pathOf,
  quadletFacts,
  systemdUnit,
  textOf,
  type ContainerFacts,
} from "./deployment-files.js";
import { only, readDockerfile } from "./dockerfile.js";
import { settingOf, settingsOf } from "./unit-file.js";

const image = imageFacts();
const containers: readonly (readonly [string, ContainerFacts])[] = [
  ["compose", composeFacts()],
  ["quadlet", quadletFacts()],
  ["kubernetes", kubernetesFacts()],
];
const published = containers.filter(([name]) => name !== "kubernetes");
const texts = Object.values(DEPLOYMENT_FILES).map((file) => [file, textOf(file)] as const);

/** What vault-server makes of arguments and environment, which it must take as they are. */
function configOf(args: readonly string[], environment: Readonly<Record<string, string>>): ServerConfig {
  const parsed = parseCommandLine(args, environment, "0");
  if (parsed.kind !== "run") throw new Error(parsed.text);
  return parsed.config;
}

function configIn(container: ContainerFacts): ServerConfig {
  return configOf(container.args, { ...image.environment, ...container.environment });
}

describe("the image", () => {
  const { head, stages } = readDockerfile(textOf(DEPLOYMENT_FILES.dockerfile));
  const last = stages.at(-1)!;

  test("is built on a Node that has a whole version, is of an even major and runs the packages", () => {
    const [, tag = ""] = /^NODE_IMAGE=(node:\d+\.\d+\.\d+-[a-z]+-slim)$/.exec(only(head, "ARG")) ?? [];
    const [major = 0, minor = 0] = tag.replace("node:", "").split(".").map(Number);
    const { engines } = JSON.parse(textOf("package.json")) as { engines: { node: string } };
    const [oldest = 0, oldestMinor = 0] = engines.node.replace(">=", "").split(".").map(Number);
    expect(major % 2).toBe(0);
    expect(major > oldest || (major === oldest && minor >= oldestMinor)).toBe(true);
    expect(only(stages[0]!, "FROM")).toBe("${NODE_IMAGE} AS build");
  });

  test("is empty but for what the build gathers, and runs as a number that is not root", () => {
    expect(only(last, "FROM")).toBe("scratch");
    expect(last.filter(({ name }) => name === "RUN" || name === "ADD")).toEqual([]);
    expect(
      last.filter(({ name }) => name === "COPY").every(({ text }) => text.startsWith("--from=build ")),
    ).toBe(true);
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    const own = `--chown=${image.user}`;
    const given = last
      .filter(({ name, text }) => name === "COPY" && text.includes("--chown"))
      .map(({ text }) => text);
    expect(given.every((text) => text.includes(own))).toBe(true);
    const passwd = /vault-proxy:x:(\d+:\d+):/.exec(textOf(DEPLOYMENT_FILES.imageRoot))?.[1];
    expect(passwd).toBe(image.user);
  });

  test("starts the programs that a build makes, without a shell, and stops by a signal that they know", () => {
    expect(only(last, "ENTRYPOINT")).toBe('["vault-server"]');
    expect(only(last, "STOPSIGNAL")).toBe("SIGTERM");
    expect(only(last, "HEALTHCHECK")).toMatch(/CMD \["vault-cli", "health"\]$/);
    for (const main of ["packages/server/dist/main.js", "packages/cli/dist/main.js"]) {
      expect(textOf(main).split("\n", 1)[0]).toBe("#!/usr/bin/env node");
    }
  });

  test("says the version of the packages, by which all files name it", () => {
    for (const name of ["server", "cli", "client"]) {
      const { version } = JSON.parse(textOf(`packages/${name}/package.json`)) as { version: string };
      expect(version).toBe(image.version);
    }
    for (const [, container] of containers) expect(container.image).toBe(`vault-proxy:${image.version}`);
    expect(composeServices().password.image).toBe(composeServices()["vault-proxy"].image);
    expect(texts.filter(([, text]) => /:latest\b/.test(text)).map(([file]) => file)).toEqual([]);
    for (const [file, text] of texts) {
      for (const [, tag] of text.matchAll(/\bvault-proxy:(\d[\w.]*)/g))
        expect([file, tag]).toEqual([file, image.version]);
    }
  });

  test("is built of the sources, and of nothing else that lies in the working tree", () => {
    const rules = textOf(".dockerignore")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(rules[0]).toBe("*");
    const letThrough = rules.filter((rule) => rule.startsWith("!")).map((rule) => rule.slice(1));
    for (const path of letThrough) expect([path, existsSync(pathOf(path))]).toEqual([path, true]);
    const wanted = ["scripts", "packages", DEPLOYMENT_FILES.imageRoot, DEPLOYMENT_FILES.makePassword];
    expect(letThrough).toEqual(expect.arrayContaining(wanted));
    expect(rules).toEqual(expect.arrayContaining(["**/node_modules", "**/dist", "packages/python-sdk"]));
    for (const secret of [".git", "docker", ".env", "docs"]) expect(letThrough).not.toContain(secret);
  });

  test("is gathered by a script that a POSIX shell can read", () => {
    execFileSync("sh", ["-n", pathOf(DEPLOYMENT_FILES.imageRoot)]);
  });
});

test("no memory of the vault is swapped out, where whoever starts it can say so", () => {
  for (const service of Object.values(composeServices()))
    expect(service.memswap_limit).toBe(service.mem_limit);
  expect(textOf(DEPLOYMENT_FILES.quadlet)).toMatch(/^PodmanArgs=.*--memory=(\S+) .*--memory-swap=\1 /m);
  expect(settingOf(systemdUnit(), "Service", "MemorySwapMax")).toBe("0");
});

describe.each(containers)("the container of %s", (_name, container) => {
  test("has flags and variables that vault-server takes", () => {
    expect(configIn(container).dataDir).toBe(image.environment.VAULT_DATA_DIR);
    for (const name of Object.keys(container.environment)) expect(name).toMatch(/^VAULT_/);
  });

  test("keeps the vault in a directory below the volume, so that the server makes it for itself alone", () => {
    expect(container.mounts).toContain(dirname(configIn(container).dataDir));
  });

  test("reads the password where it is mounted", () => {
    const { passwordFile } = configIn(container);
    expect(passwordFile).toBeDefined();
    expect(container.mounts.some((mount) => mount === passwordFile || mount === dirname(passwordFile!))).toBe(
      true,
    );
  });

  test("writes to its volume and to a home in memory, and nowhere else", () => {
    expect(container.readOnly).toBe(true);
    expect(container.mounts).toContain(image.environment.HOME);
  });

  test("has the image's user, no capabilities, no way to more, and a limit of memory", () => {
    expect(container.user).toBe(image.user);
    expect(container.capabilitiesDropped).toEqual(["ALL"]);
    expect(container.noNewPrivileges).toBe(true);
    expect(container.memoryLimit).toMatch(/^512Mi?$/i);
  });

  test("is asked for its health by a command of vault-cli", async () => {
    const [program, ...args] = container.healthCommand;
    expect(program).toBe("vault-cli");
    expect((await cli([...args, "--help"])).stdout).toContain(`Usage: vault-cli ${args.join(" ")}`);
  });
});

describe.each(published)("the ports of %s", (_name, container) => {
  test("are published on loopback only, under the numbers that the server listens on", () => {
    const { listen, sessions } = configIn(container);
    expect(listen).toEqual({ kind: "tcp", host: "0.0.0.0", port: image.port });
    expect(sessions.host).toBe("0.0.0.0");
    const range = `${sessions.ports?.first ?? 0}-${sessions.ports?.last ?? 0}`;
    expect(container.ports).toEqual([`127.0.0.1:${image.port}:${image.port}`, `127.0.0.1:${range}:${range}`]);
  });
});

describe("compose", () => {
  const services = composeServices();

  test("makes the password before it starts the server, where the server reads it and cannot write", () => {
    const { password } = services;
    expect(password.entrypoint).toEqual(["make-password"]);
    expect(password.command).toEqual([composeFacts().environment.VAULT_PASSWORD_FILE]);
    expect(services["vault-proxy"].depends_on?.password?.condition).toBe("service_completed_successfully");
    expect(password.volumes).toEqual(["password:/run/vault-proxy"]);
    expect(services["vault-proxy"].volumes).toContain("password:/run/vault-proxy:ro");
    expect(textOf(DEPLOYMENT_FILES.imageRoot)).toContain('"$1/run/vault-proxy"');
  });

  test("builds the image of both, and fetches none of that name", () => {
    for (const { build, pull_policy } of Object.values(services)) {
      expect(pull_policy).toBe("build");
      expect(build.dockerfile).toBe(DEPLOYMENT_FILES.dockerfile);
      const folder = join(dirname(pathOf(DEPLOYMENT_FILES.compose)), build.context);
      expect(existsSync(join(folder, build.dockerfile))).toBe(true);
    }
  });

  test("hardens both of its containers", () => {
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({
        user: image.user,
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        ulimits: { core: 0 },
      });
      expect(service.pids_limit).toBeGreaterThan(0);
    }
  });
});

describe("the pod", () => {
  const pod = kubernetesPod();

  test("meets the restricted Pod Security Standard", () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const { securityContext } of [...pod.initContainers, ...pod.containers]) {
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
    expect(pod.automountServiceAccountToken).toBe(false);
  });

  test("keeps vault and agent apart by user and by processes, and puts the vault on loopback alone", () => {
    const [vault] = pod.initContainers;
    const [agent] = pod.containers;
    expect(vault.restartPolicy).toBe("Always");
    expect(agent.securityContext.runAsUser).not.toBe(vault.securityContext.runAsUser);
    expect(pod.shareProcessNamespace).toBe(false);
    const { listen } = configIn(kubernetesFacts());
    expect(listen).toEqual({ kind: "tcp", host: "127.0.0.1", port: image.port });
    const address = agent.env.find(({ name }) => name === "VAULT_ADDR")?.value;
    expect(address).toBe(`http://127.0.0.1:${image.port}`);
    expect(String(pod.securityContext.fsGroup)).toBe(image.user.split(":")[1]);
  });
});

describe("the systemd unit", () => {
  const unit = systemdUnit();

  test("starts vault-server with flags that it takes, in the directory that systemd makes for it", () => {
    const [program, ...args] = (settingOf(unit, "Service", "ExecStart") ?? "").split(" ");
    expect(program).toBe("/usr/bin/vault-server");
    const config = configOf(args, { CREDENTIALS_DIRECTORY: "/run/credentials/vault-proxy.service" });
    expect(config.dataDir).toBe(`/var/lib/${settingOf(unit, "Service", "StateDirectory") ?? ""}`);
    const [credential] = settingsOf(unit, "Service", "LoadCredential");
    expect(config.passwordCredential).toBe(
      `/run/credentials/vault-proxy.service/${credential?.split(":")[0] ?? ""}`,
    );
  });

  test("counts as started when the server answers: what the page types next can call it", () => {
    expect(settingOf(unit, "Service", "ExecStartPost")).toMatch(/^\/usr\/bin\/vault-cli health --wait \d+s$/);
  });

  test("exposes no more than 1.5 of 10, by the count of systemd-analyze", () => {
    const shown = execFileSync("systemd-analyze", [
      ...["security", "--offline=true", "--no-pager", pathOf(DEPLOYMENT_FILES.systemd)],
    ]).toString();
    expect(Number(/exposure level for .*: ([\d.]+)/.exec(shown)?.[1])).toBeLessThanOrEqual(1.5);
  });

  test("leaves out what would break the server: compiled code, and telling users and boots apart", () => {
    for (const key of ["MemoryDenyWriteExecute", "PrivateUsers", "ProcSubset", "PrivateNetwork"]) {
      expect(settingsOf(unit, "Service", key)).toEqual([]);
    }
  });
});

describe("docs/deploy.md", () => {
  const page = textOf("docs/deploy.md");

  test("names files that are there, and every file that is for users", () => {
    const named = new Set([...page.matchAll(/(?<!test\/)\bdocker\/[\w./-]*\w/g)].map(([path]) => path));
    for (const path of named) expect([path, existsSync(pathOf(path))]).toEqual([path, true]);
    const { imageRoot, makePassword, ...forUsers } = DEPLOYMENT_FILES;
    expect([...named]).toEqual(expect.arrayContaining(Object.values(forUsers)));
    expect([...named]).not.toEqual(expect.arrayContaining([imageRoot, makePassword]));
  });

  test("says the paths, ports and versions of the files", () => {
    for (const path of page.match(/\/run\/[\w-]+\/[\w-]+/g) ?? []) {
      expect(path).toBe(composeFacts().environment.VAULT_PASSWORD_FILE);
    }
    for (const path of page.match(/\/var\/lib\/[\w/-]+/g) ?? []) {
      expect(`${path}/`).toContain(`${image.environment.VAULT_DATA_DIR ?? ""}/`);
    }
    for (const [, version] of page.matchAll(/vault-proxy:(\d[\d.]*\d)/g)) expect(version).toBe(image.version);
    expect(page).toContain("20000 to 20100");
    expect(composeFacts().ports.at(-1)).toContain("20000-20100");
  });
});

describe("no file", () => {
  test.each(texts)("%s holds a secret or the host of a registry", (_file, text) => {
    expect(text).not.toMatch(/tok_[\w-]{43}|PRIVATE KEY|sk-\w{8}/);
    expect(text).not.toMatch(/(?:PASSWORD|SECRET|TOKEN)=(?!\/)\S/);
    const withoutApiGroups = text.replaceAll(/^apiVersion: .*$/gm, "");
    expect(withoutApiGroups).not.toMatch(/\b(?:[a-z0-9-]+\.)+(?:io|com|org|dev)\//);
  });
});
