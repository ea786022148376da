import { configureSessionOpen } from "../sessions/session-open.js";

export const configureSmtp = configureSessionOpen("smtp");
