import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

/** A request of which `head` and then nothing more has come, and the socket that it came on. */
export async function incoming(
  head: string,
  use: (request: IncomingMessage, caller: Socket) => Promise<void>,
): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const caller = connect((server.address() as AddressInfo).port, "127.0.0.1");
  caller.on("error", () => undefined);
  const request = new Promise<IncomingMessage>((resolve) => server.once("request", resolve));
  caller.write(head);
  try {
    await use(await request, caller);
  } finally {
    caller.destroy();
    server.closeAllConnections();
    server.close();
  }
}
