import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { createBrowserGuard } from "../network/browser-guard.js";
import { createHttpListener } from "./http-listener.js";

test("a control-plane body that does not end is cut off in time, a finished one is not", async () => {
  const listener = createHttpListener({
    tls: undefined,
    guard: createBrowserGuard({ tlsNames: [], allowedHosts: [], unixSocket: false }),
    proxy: { call: () => undefined, upgrade: () => undefined },
    controlPlane: (request, response) => {
      request.resume().on("end", () => setTimeout(() => response.end("late but whole"), 300));
    },
    controlBodyMs: 100,
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;

  const exchange = (body: string): Promise<string> =>
    new Promise((resolve) => {
      let text = "";
      const socket = connect(port, "127.0.0.1");
      socket.write(
        `POST /tokens HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\n${body}`,
      );
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("error", () => undefined).on("close", () => resolve(text));
    });
  expect(await exchange("1234")).toBe("");
  expect(await exchange("12345")).toContain("late but whole");
  listener.closeAllConnections();
  await new Promise((resolve) => listener.close(resolve));
});
