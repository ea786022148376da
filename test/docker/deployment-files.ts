import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { environmentOf, only, readDockerfile } from "./dockerfile.js";
import { readUnitFile, settingOf, settingsOf, type UnitFile } from "./unit-file.js";

const ROOT = new URL("../../", import.meta.url);

export const DEPLOYMENT_FILES = {
  dockerfile: "docker/Dockerfile",
  compose: "docker/compose.yaml",
  quadlet: "docker/quadlet/vault-proxy.container",
  quadletVolume: "docker/quadlet/vault-proxy.volume",
  systemd: "docker/systemd/vault-proxy.service",
  kubernetes: "docker/kubernetes/sidecar.yaml",
  imageRoot: "docker/image-root.sh",
  makePassword: "docker/make-password.mjs",
} as const;

export function pathOf(file: string): string {
  return fileURLToPath(new URL(file, ROOT));
}

export function textOf(file: string): string {
  return readFileSync(pathOf(file), "utf8");
}

/** What the image says of itself. */
export interface ImageFacts {
  readonly user: string;
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly version: string;
}

export function imageFacts(): ImageFacts {
  const last = readDockerfile(textOf(DEPLOYMENT_FILES.dockerfile)).stages.at(-1) ?? [];
  return {
    user: only(last, "USER"),
    port: Number(only(last, "EXPOSE")),
    environment: environmentOf(last),
    version: only(last, "ARG").replace("VERSION=", ""),
  };
}

/** A container of the image as one of the files describes it, in the same words for all. */
export interface ContainerFacts {
  readonly image: string;
  /** `uid:gid` */
  readonly user: string;
  /** Of vault-server. */
  readonly args: readonly string[];
  /** What the file sets, beside what the image does. */
  readonly environment: Readonly<Record<string, string>>;
  /** `address:outside:inside`, as it is published. */
  readonly ports: readonly string[];
  /** Where volumes and secrets appear, files and directories; with tmpfs. */
  readonly mounts: readonly string[];
  readonly readOnly: boolean;
  readonly capabilitiesDropped: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly healthCommand: readonly string[];
  /** As it is written: `512m`, `512Mi`. */
  readonly memoryLimit: string;
}

interface ComposeService {
  readonly image: string;
  readonly pull_policy: string;
  readonly build: { readonly context: string; readonly dockerfile: string };
  readonly user: string;
  readonly entrypoint?: readonly string[];
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly mem_limit: string;
  readonly memswap_limit: string;
  readonly pids_limit: number;
  readonly ulimits: Readonly<Record<string, number>>;
  readonly healthcheck: { readonly test?: readonly string[] };
  readonly restart: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

export function composeServices(): Readonly<Record<"password" | "vault-proxy", ComposeService>> {
  const { services } = parse(textOf(DEPLOYMENT_FILES.compose), { merge: true }) as {
    services: Readonly<Record<"password" | "vault-proxy", ComposeService>>;
  };
  return services;
}

export function composeFacts(): ContainerFacts {
  const service = composeServices()["vault-proxy"];
  return {
    image: service.image,
    user: service.user,
    args: service.command,
    environment: service.environment ?? {},
    ports: service.ports ?? [],
    mounts: [
      ...service.volumes.map((volume) => volume.split(":")[1] ?? ""),
      ...tmpfsPaths(service.tmpfs ?? []),
    ],
    readOnly: service.read_only,
    capabilitiesDropped: service.cap_drop,
    noNewPrivileges: service.security_opt.includes("no-new-privileges:true"),
    healthCommand: service.healthcheck.test?.slice(1) ?? [],
    memoryLimit: service.mem_limit,
  };
}

export function quadletFacts(): ContainerFacts {
  const unit = readUnitFile(textOf(DEPLOYMENT_FILES.quadlet));
  const get = (key: string): string => settingOf(unit, "Container", key) ?? "";
  const all = (key: string): readonly string[] => settingsOf(unit, "Container", key);
  return {
    image: get("Image").replace("localhost/", ""),
    user: `${get("User")}:${get("Group")}`,
    args: get("Exec").split(" "),
    environment: Object.fromEntries(all("Environment").map((pair) => pair.split("=") as [string, string])),
    ports: all("PublishPort"),
    mounts: [
      ...all("Volume").map((volume) => volume.split(":")[1] ?? ""),
      ...all("Secret").map((secret) => /target=([^,]+)/.exec(secret)?.[1] ?? ""),
      ...tmpfsPaths(all("Tmpfs")),
    ],
    readOnly: get("ReadOnly") === "true",
    capabilitiesDropped: all("DropCapability").map((name) => name.toUpperCase()),
    noNewPrivileges: get("NoNewPrivileges") === "true",
    healthCommand: JSON.parse(get("HealthCmd")) as string[],
    memoryLimit: /--memory=(\S+)/.exec(get("PodmanArgs"))?.[1] ?? "",
  };
}

export function systemdUnit(): UnitFile {
  return readUnitFile(textOf(DEPLOYMENT_FILES.systemd));
}

interface SecurityContext {
  readonly runAsUser: number;
  readonly runAsGroup: number;
  readonly allowPrivilegeEscalation: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly capabilities: { readonly drop: readonly string[] };
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly args?: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: SecurityContext;
  readonly startupProbe?: { readonly exec: { readonly command: readonly string[] } };
  readonly livenessProbe?: { readonly exec: { readonly command: readonly string[] } };
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly volumeMounts?: readonly { readonly mountPath: string }[];
}

export interface PodSpec {
  readonly automountServiceAccountToken: boolean;
  readonly shareProcessNamespace: boolean;
  readonly securityContext: {
    readonly runAsNonRoot: boolean;
    readonly fsGroup: number;
    readonly seccompProfile: { readonly type: string };
  };
  readonly initContainers: readonly [Container];
  readonly containers: readonly [Container];
}

export function kubernetesPod(): PodSpec {
  const documents = parseAllDocuments(textOf(DEPLOYMENT_FILES.kubernetes)).map(
    (document) => document.toJS() as { kind: string; spec: { template: { spec: PodSpec } } },
  );
  const deployment = documents.find(({ kind }) => kind === "Deployment");
  if (deployment === undefined) throw new Error("no Deployment in the example");
  return deployment.spec.template.spec;
}

export function kubernetesFacts(): ContainerFacts {
  const [container] = kubernetesPod().initContainers;
  const { securityContext } = container;
  return {
    image: container.image,
    user: `${securityContext.runAsUser}:${securityContext.runAsGroup}`,
    args: container.args ?? [],
    environment: Object.fromEntries(container.env.map(({ name, value }) => [name, value ?? ""])),
    ports: [],
    mounts: (container.volumeMounts ?? []).map(({ mountPath }) => mountPath),
    readOnly: securityContext.readOnlyRootFilesystem,
    capabilitiesDropped: securityContext.capabilities.drop,
    noNewPrivileges: !securityContext.allowPrivilegeEscalation,
    healthCommand: container.livenessProbe?.exec.command ?? [],
    memoryLimit: container.resources.limits.memory,
  };
}

function tmpfsPaths(mounts: readonly string[]): string[] {
  return mounts.map((mount) => mount.split(":")[0] ?? "");
}
