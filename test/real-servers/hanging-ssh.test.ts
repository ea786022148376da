import { once } from "node:events";
import ssh2, { type Client, type ClientChannel } from "ssh2";
import { expect, test } from "vitest";
import { HANGING_STAGES, startHangingSshServer, type HangingStage } from "./hanging-ssh.js";

/** How far a client of ssh2 sees the server come, in order. */
const SEEN: Readonly<Record<HangingStage, readonly string[]>> = {
  accept: [],
  identification: ["greeted"],
  kexinit: ["greeted"],
  "key-exchange": ["greeted", "host key", "encrypted"],
  service: ["greeted", "host key", "encrypted", "service"],
  authentication: ["greeted", "host key", "encrypted", "service", "ready"],
  channel: ["greeted", "host key", "encrypted", "service", "ready", "channel"],
  request: ["greeted", "host key", "encrypted", "service", "ready", "channel", "exec"],
};

/** Long enough on loopback for all that a server does that does not hang. */
const SILENCE_MS = 400;

test.each(HANGING_STAGES)("after %s, nothing comes any more", async (stage) => {
  const server = await startHangingSshServer(stage);
  const client: Client = new ssh2.Client();
  const seen: string[] = [];
  try {
    let exec: ClientChannel | undefined;
    client.on("error", () => undefined);
    client.on("handshake", () => seen.push("encrypted"));
    client.on("ready", () => {
      seen.push("ready");
      client.exec("true", (error, channel) => {
        if (error !== undefined) return;
        seen.push("exec");
        exec = channel;
        channel.on("data", () => seen.push("output"));
        channel.on("close", () => seen.push("closed"));
      });
    });
    client.connect({
      host: server.host,
      port: server.port,
      username: "me",
      password: "mine",
      readyTimeout: 0,
      debug: (message) => {
        if (message.startsWith("Remote ident")) seen.push("greeted");
        if (message.startsWith("Inbound: Received SERVICE_ACCEPT")) seen.push("service");
        if (message.startsWith("Inbound: CHANNEL_OPEN_CONFIRMATION")) seen.push("channel");
      },
      hostVerifier: (key: Buffer) => {
        seen.push("host key");
        return key.toString("base64") === server.hostKey.split(" ")[1];
      },
    });
    await expect.poll(() => seen).toEqual(SEEN[stage]);
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
    expect(seen).toEqual(SEEN[stage]);
    expect(exec === undefined).toBe(stage !== "request");
    expect(server.open()).toBe(1);
    expect(server.accepted()).toBe(1);
    client.destroy();
    await expect.poll(() => server.open()).toBe(0);
  } finally {
    client.destroy();
    await server.close();
  }
});

test("a server that is closed hangs up on its clients", async () => {
  const server = await startHangingSshServer("authentication");
  const client = new ssh2.Client();
  client.on("error", () => undefined);
  client.connect({ host: server.host, port: server.port, username: "me", password: "mine" });
  await once(client, "ready");
  const closed = once(client, "close");
  await server.close();
  await closed;
});
