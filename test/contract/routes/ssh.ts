import { expect } from "vitest";
import { WebSocket } from "ws";
import type { MainError, RouteRow, World } from "../route-row.js";

const CONTENT = "moved by the vault";
const pathOf = ({ pass, sshd }: World): string => `${sshd.home}/${pass}.txt`;

const unknown = (action: string, json: unknown): MainError => ({
  name: "an unknown service",
  request: () => ({ target: `/ssh/nothing-of-that-name/${action}`, json }),
  status: 404,
  code: "not_found",
});

/** The first bytes that a shell says. */
async function greeting(url: string, token: string): Promise<string> {
  const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${token}` } });
  try {
    return await new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => socket.send("echo contract-$((40 + 2))\r"));
      let said = "";
      socket.on("message", (data: Buffer) => {
        said += data.toString();
        if (said.includes("contract-42")) resolve("contract-42");
      });
    });
  } finally {
    socket.terminate();
  }
}

export const SSH: readonly RouteRow[] = [
  {
    route: "POST /ssh/{service}/exec",
    access: "any",
    as: "proxy",
    request: () => ({ target: "/ssh/the-ssh/exec", json: { command: "echo out; echo err >&2; exit 3" } }),
    status: 200,
    answers: { stdout: "out\n", stderr: "err\n", exit_code: 3, duration_ms: expect.any(Number) as unknown },
    faulty: { request: () => ({ target: "/ssh/the-ssh/exec", json: { command: 1 } }), names: "command" },
    errors: [unknown("exec", { command: "id" })],
    typescript: (client) => client.sshExec("the-ssh", "echo out; echo err >&2; exit 3"),
    python: () => ({ method: "ssh_exec", args: ["the-ssh", "echo out; echo err >&2; exit 3"] }),
    givesInPython: { exit_code: 3 },
  },
  {
    route: "POST /ssh/{service}/upload",
    access: "any",
    as: "proxy",
    request: (world) => ({
      target: "/ssh/the-ssh/upload",
      form: { remote_path: pathOf(world), mode: "0600", file: new Blob([CONTENT]) },
    }),
    status: 200,
    answers: { ok: true, bytes: CONTENT.length, remote_path: expect.any(String) as unknown },
    errors: [
      {
        name: "a path that is refused",
        request: () => ({
          target: "/ssh/the-ssh/upload",
          form: { remote_path: "/etc/passwd", file: new Blob([CONTENT]) },
        }),
        status: 400,
        code: "invalid_request",
      },
    ],
    typescript: (client, world) =>
      client.sshUpload("the-ssh", pathOf(world), new TextEncoder().encode(CONTENT)),
    python: (world) => ({
      method: "ssh_upload",
      args: ["the-ssh", pathOf(world), { base64: Buffer.from(CONTENT).toString("base64") }],
    }),
    givesInPython: CONTENT.length,
  },
  {
    route: "POST /ssh/{service}/download",
    access: "any",
    as: "proxy",
    request: (world) => ({ target: "/ssh/the-ssh/download", json: { remote_path: pathOf(world) } }),
    status: 200,
    answers: CONTENT,
    faulty: {
      request: () => ({ target: "/ssh/the-ssh/download", json: { remote_path: "relative" } }),
      names: "remote_path",
    },
    errors: [
      unknown("download", { remote_path: "/tmp/x" }),
      {
        name: "a file that is not there",
        request: () => ({ target: "/ssh/the-ssh/download", json: { remote_path: "/tmp/nothing/there" } }),
        status: 404,
        code: "not_found",
      },
    ],
    typescript: async (client, world) =>
      Buffer.from(await client.sshDownload("the-ssh", pathOf(world))).toString(),
    python: (world) => ({ method: "ssh_download", args: ["the-ssh", pathOf(world)] }),
    givesInPython: { base64: Buffer.from(CONTENT).toString("base64") },
  },
  {
    route: "GET /ssh/{service}/session",
    access: "any",
    as: "proxy",
    request: () => ({ target: "/ssh/the-ssh/session" }),
    // By hand without the handshake; both SDKs say where a WebSocket is opened, and that is done.
    status: 426,
    answers: { code: "upgrade_required" },
    typescript: (client, world) =>
      greeting(client.sshSessionURL("the-ssh", { cols: 80, rows: 24 }), world.tokens.proxy),
    python: () => ({ method: "ssh_session_url", args: ["the-ssh"] }),
    gives: "contract-42",
    givesInPython: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+\/ssh\/the-ssh\/session$/) as unknown,
  },
  {
    route: "PUT /services/{name}/host-key",
    access: "admin",
    request: ({ sshd }) => ({ target: "/services/the-ssh/host-key", json: { host_key: sshd.hostKey } }),
    status: 200,
    answers: { name: "the-ssh", ssh_connected: true, ssh_host_key: expect.any(String) as unknown },
    faulty: {
      request: () => ({ target: "/services/the-ssh/host-key", json: { host_key: "no key" } }),
      names: "host_key",
    },
    errors: [
      {
        name: "an unknown service",
        request: ({ sshd }) => ({
          target: "/services/nothing-of-that-name/host-key",
          json: { host_key: sshd.hostKey },
        }),
        status: 404,
        code: "not_found",
      },
    ],
    typescript: (client, { sshd }) => client.setHostKey("the-ssh", sshd.hostKey),
    python: ({ sshd }) => ({ method: "set_host_key", args: ["the-ssh", sshd.hostKey] }),
    givesInPython: { name: "the-ssh", ssh_connected: true },
  },
  {
    route: "DELETE /services/{name}/host-key",
    access: "admin",
    request: () => ({ target: "/services/the-ssh/host-key" }),
    status: 200,
    answers: { name: "the-ssh", ssh_connected: false },
    errors: [
      {
        name: "an unknown service",
        request: () => ({ target: "/services/nothing-of-that-name/host-key" }),
        status: 404,
        code: "not_found",
      },
    ],
    typescript: (client) => client.clearHostKey("the-ssh"),
    python: () => ({ method: "clear_host_key", args: ["the-ssh"] }),
  },
];
