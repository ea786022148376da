import { isUtf8 } from "node:buffer";
import { boundedJustification } from "../audit/justification.js";
import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { SSH_LIMITS } from "../ssh/ssh-limits.js";
import type { FormPart } from "./form-parts.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";

/** The form of an upload, as far as it must be read to begin with it. */
export interface UploadForm {
  readonly remotePath: string;
  /** The file; reading it to its end reads the rest of the form too. */
  readonly content: AsyncIterable<Buffer>;
  /** When `content` has ended. */
  readonly mode: () => number;
}

/** Is told what the upload is for, wherever in the form that stands. */
export type TakeJustification = (text: string) => void;

/** Lets a file be held in memory until the form has told where it belongs. */
export type HoldInMemory = <Result>(read: () => Promise<Result>) => Promise<Result>;

const DEFAULT_MODE = "0644";
const OCTAL_MODE = /^0{0,2}[0-7]{1,3}$/;

type Field = "remote_path" | "mode" | "justification" | "file";
const TEXT_FIELDS: ReadonlySet<string> = new Set<Field>(["remote_path", "mode", "justification"]);

/**
 * Reads the form `remote_path`, `mode`, `justification`, `file`, in any order, and calls `use` when the file can be written.
 * @throws VaultProxyError `invalid_request` that names the field, `body_too_large`, also from `content`; what `use` throws
 */
export async function withUploadForm<Result>(
  parts: AsyncIterable<FormPart>,
  { hold, justify }: { readonly hold: HoldInMemory; readonly justify: TakeJustification },
  use: (form: UploadForm) => Promise<Result>,
): Promise<Result> {
  const source = parts[Symbol.asyncIterator]();
  const texts = new Map<string, string>();
  let hasFile = false;

  /** Reads text until the file comes, or the end. */
  const readOn = async (): Promise<FormPart | undefined> => {
    for (;;) {
      const next = await source.next();
      if (next.done === true) return undefined;
      const part = next.value;
      const { name, isFile, content } = part;
      if (TEXT_FIELDS.has(name)) {
        if (isFile) throw refusal(`${name}: must be text, without a filename`);
        if (texts.has(name)) throw refusal(`${name}: must be given once`);
        const text = await readText(name, content);
        texts.set(name, text);
        if (name === "justification") justify(boundedJustification(text, name));
      } else if (name === "file") {
        if (!isFile) throw refusal("file: must be a file, with a filename");
        if (hasFile) throw refusal("file: only one file can be sent");
        hasFile = true;
        return part;
      } else {
        throw refusal("unknown field: only remote_path, mode, justification and file are known");
      }
    }
  };
  const mode = (): number => {
    const text = texts.get("mode") ?? DEFAULT_MODE;
    if (!OCTAL_MODE.test(text)) throw refusal("mode: must be octal, from 0 to 0777");
    return Number.parseInt(text, 8);
  };
  const requirePath = (): string => {
    const path = texts.get("remote_path");
    if (path === undefined) throw refusal("remote_path: is required");
    return path;
  };

  const file = await readOn();
  if (file === undefined) {
    requirePath();
    throw refusal("file: is required");
  }
  async function* fileAndRest({ content }: FormPart): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of content) {
      size += chunk.length;
      if (size > SSH_LIMITS.fileBytes) throw fileTooLarge();
      yield chunk;
    }
    await readOn();
    mode();
  }
  if (texts.has("mode")) mode();
  if (texts.has("remote_path")) return use({ remotePath: requirePath(), content: fileAndRest(file), mode });
  return hold(async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of fileAndRest(file)) chunks.push(chunk);
    return use({ remotePath: requirePath(), content: inTurn(chunks), mode });
  });
}

export function fileTooLarge(): VaultProxyError {
  return new VaultProxyError("body_too_large", `file: is larger than ${sizeText(SSH_LIMITS.fileBytes)}`);
}

async function readText(name: string, content: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > HTTP_API_LIMITS.textPartBytes) throw refusal(`${name}: is too long`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) throw refusal(`${name}: is not valid UTF-8`);
  return bytes.toString("utf8");
}

async function* inTurn(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

function refusal(message: string): VaultProxyError {
  return new VaultProxyError("invalid_request", message);
}
