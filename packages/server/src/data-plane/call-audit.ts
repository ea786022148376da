import type { IncomingMessage } from "node:http";
import { justificationOf } from "../audit/justification.js";
import type { AuditRecorder } from "../audit/recorder.js";
import { statusOf } from "../errors/error-codes.js";
import type { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { CallMetrics, CallTimes } from "../metrics/call-metrics.js";
import { splitProxyTarget, type ProxyTarget } from "../network/request-target.js";
import type { TokenRecord } from "../tokens/token-record.js";

export interface CallAuditParts {
  readonly audit: Pick<AuditRecorder, "ready" | "record">;
  readonly metrics?: Pick<CallMetrics, "times"> | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** What is recorded of one call, gathered as it becomes known. One entry a call, when it has ended. */
export class CallAudit {
  token: TokenRecord | undefined;
  /** Once it was taken apart. */
  proxyTarget: ProxyTarget | undefined;
  /** That allowed it. */
  rule: string | undefined;
  /** Whether it was passed on: what the upstream or the caller makes of it then is no decision of the vault. */
  isForwarded = false;
  bytesIn = 0;
  bytesOut = 0;
  readonly #parts: CallAuditParts;
  readonly #request: IncomingMessage;
  readonly #target: string;
  readonly #requestId: string;
  readonly #startedAt: number;
  readonly #upgrade: boolean;
  #isRecorded = false;
  #justification: string | undefined;

  constructor(
    parts: CallAuditParts,
    call: {
      readonly request: IncomingMessage;
      readonly target: string;
      readonly requestId: string;
      readonly socket?: unknown;
    },
  ) {
    this.#parts = parts;
    this.#request = call.request;
    this.#target = call.target;
    this.#requestId = call.requestId;
    this.#upgrade = call.socket !== undefined;
    this.#startedAt = parts.now();
  }

  /** Reads what the caller says the call is for. @throws VaultProxyError `invalid_request` if that is too long */
  readJustification(): void {
    this.#justification = justificationOf(this.#request.headers);
  }

  /** Begins to measure the call, which is passed on now. */
  times(service: string): CallTimes | undefined {
    return this.#parts.metrics?.times(service, this.#startedAt);
  }

  /** Records the call. A second time it does nothing. */
  end(status: number | undefined, error: VaultProxyError | undefined): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const target = this.proxyTarget ?? splitProxyTarget(this.#target);
    this.#parts.audit.record(
      "proxy",
      {
        request_id: this.#requestId,
        token: this.token?.id_prefix,
        token_name: this.token?.name,
        service: target?.service,
        method: this.#request.method,
        path: target === undefined ? undefined : pathWithQuery(target),
        decision: this.isForwarded ? "allow" : "deny",
        rule: this.rule,
        status: status ?? (error === undefined ? undefined : statusOf(error.code)),
        code: error?.code,
        bytes_in: this.bytesIn,
        bytes_out: this.bytesOut,
        ms: this.#parts.now() - this.#startedAt,
        client: this.#request.socket.remoteAddress,
        justification: this.#justification,
      },
      this.#upgrade ? { upgrade: "websocket" } : undefined,
    );
  }
}

function pathWithQuery({
  path,
  query,
}: {
  readonly path: string;
  readonly query: string | undefined;
}): string {
  return query === undefined ? path : `${path}?${query}`;
}
