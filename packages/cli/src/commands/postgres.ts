import { configureSessionOpen } from "../sessions/session-open.js";

export const configurePostgres = configureSessionOpen("postgres");
