import { configureSessionOpen } from "../sessions/session-open.js";

export const configureImap = configureSessionOpen("imap");
