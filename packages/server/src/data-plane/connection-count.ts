import type { Server } from "node:net";

/** How many connections are open, which the listener itself tells only later. */
export function countConnections(listener: Server, onConnection: () => void): { readonly size: number } {
  const connections = { size: 0 };
  listener.on("connection", (socket) => {
    connections.size += 1;
    onConnection();
    socket.once("close", () => (connections.size -= 1));
  });
  return connections;
}
