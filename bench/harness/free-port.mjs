import { once } from "node:events";
import { connect, createServer } from "node:net";

/** A port of 127.0.0.1 for a server that cannot be asked which one it took. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** @param {number} port */
export async function isListening(port) {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * @param {() => Promise<boolean>} attempt A rejection counts as no.
 * @param {string} what For the message, when it takes too long.
 */
export async function until(attempt, what) {
  const deadline = performance.now() + 20_000;
  while (!(await attempt().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what}: not ready in time`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
