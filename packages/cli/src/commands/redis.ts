import { configureSessionOpen } from "../sessions/session-open.js";

export const configureRedis = configureSessionOpen("redis");
