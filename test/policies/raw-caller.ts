import type { Socket } from "node:net";
import { connectTo } from "../live/raw-sockets.js";

/** A caller on one kept connection that sends request targets octet for octet, and connects anew when that was ended. */
export interface RawCaller {
  /** @returns the statuses of all answers: more than one if the target was read as several requests */
  get(target: string, headers: Readonly<Record<string, string>>): Promise<readonly number[]>;
  close(): void;
}

/** @param address `http://…` of the server; targets and headers are Latin-1 */
export function createRawCaller(address: string): RawCaller {
  const { host } = new URL(address);
  let kept: Socket | undefined;
  return {
    get(target, headers) {
      const socket = kept ?? connectTo(address).setNoDelay(true);
      kept = socket;
      return new Promise((resolve) => {
        let received = "";
        const done = (): void => {
          socket.off("data", onData).off("close", onClose);
          resolve([...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status)));
        };
        const onClose = (): void => {
          kept = undefined;
          done();
        };
        const onData = (chunk: Buffer): void => {
          received += chunk.toString("latin1");
          if (!isWhole(received)) return;
          if (/^connection: close\r$/im.test(received)) return;
          done();
        };
        socket.on("data", onData).on("close", onClose);
        const fields = Object.entries({ Host: host, ...headers }).map(
          ([name, value]) => `${name}: ${value}\r\n`,
        );
        socket.write(`GET ${target} HTTP/1.1\r\n${fields.join("")}\r\n`, "latin1");
      });
    },
    close: () => kept?.destroy(),
  };
}

/** The vault's answers here have a length, or are chunked. */
function isWhole(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return false;
  const head = text.slice(0, headEnd);
  const body = text.slice(headEnd + 4);
  const length = /^content-length: (\d+)\r?$/im.exec(head)?.[1];
  return length === undefined ? body.endsWith("0\r\n\r\n") : body.length >= Number(length);
}
