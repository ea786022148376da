/** All rows, in the order of the table; the extra ones last. */
import eventStreams from "./rows/event-streams.mjs";
import expiredToken from "./rows/expired-token.mjs";
import idleConnections from "./rows/idle-connections.mjs";
import idleMemory from "./rows/idle-memory.mjs";
import largeBodies from "./rows/large-bodies.mjs";
import manyServices from "./rows/many-services.mjs";
import oneConnection from "./rows/one-connection.mjs";
import policyAudit from "./rows/policy-audit.mjs";
import post2kbTls from "./rows/post-2kb-tls.mjs";
import post2kb from "./rows/post-2kb.mjs";
import sessionOpening from "./rows/session-opening.mjs";
import sessions from "./rows/sessions.mjs";
import smallGet from "./rows/small-get.mjs";
import startUp from "./rows/start-up.mjs";
import storedFiles from "./rows/stored-files.mjs";
import workers from "./rows/workers.mjs";
import http2Upstream from "./extra-rows/http2-upstream.mjs";
import metrics from "./extra-rows/metrics.mjs";
import outboundScan from "./extra-rows/outbound-scan.mjs";
import scrubbing from "./extra-rows/scrubbing.mjs";

/** @type {readonly import("./harness/row.mjs").Row[]} */
export const ROWS = [
  ...[smallGet, post2kb, post2kbTls, oneConnection, policyAudit, largeBodies, eventStreams, manyServices],
  ...[storedFiles, expiredToken, sessions, sessionOpening, startUp, idleMemory, idleConnections, workers],
  ...[scrubbing, outboundScan, metrics, http2Upstream],
];
