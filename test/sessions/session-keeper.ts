import type { LoopbackSession } from "../../packages/server/src/protocols/testing/loopback-session.js";

/** The sessions that a test has opened. */
export interface SessionKeeper {
  keep(session: LoopbackSession): LoopbackSession;
  /** After every test. */
  closeAll(): Promise<void>;
}

export function createSessionKeeper(): SessionKeeper {
  const sessions: LoopbackSession[] = [];
  return {
    keep(session) {
      sessions.push(session);
      return session;
    },
    async closeAll() {
      await Promise.all(sessions.splice(0).map((session) => session.close()));
    },
  };
}
