import { MIMEType } from "node:util";
import { z } from "@hono/zod-openapi";
import { bufferToFormData } from "hono/utils/buffer";
import { sizeText } from "../errors/size-text.js";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { assertPlainParts } from "./multipart-parts.js";
import { mediaTypeOf, readBody } from "./request-body.js";
import { invalidRequest } from "./validation-message.js";

const FILE_TOO_LARGE = `file: is larger than ${sizeText(HTTP_API_LIMITS.fileBytes)}`;

const DEFAULT_MEDIA_TYPE = "application/octet-stream";
/** RFC 9110 §8.3.1 `type "/" subtype`. */
const MEDIA_TYPE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+\/[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A stored file's name. It is a key, never a path, but it becomes one where someone saves a download. */
export const fileNameSchema = z
  .string()
  .min(1)
  // Not zod's `max`, which counts UTF-16 code units.
  .refine(
    (name) => Array.from(name).length <= HTTP_API_LIMITS.fileNameCharacters,
    `must have at most ${HTTP_API_LIMITS.fileNameCharacters} characters`,
  )
  .refine((name) => !/[/\\]/.test(name), "must not hold / or \\")
  .refine((name) => !name.includes("..") && name !== ".", "must not be . or hold ..")
  .refine((name) => !/\p{Cc}/u.test(name), "must not hold control characters")
  .refine((name) => name.isWellFormed(), "is not well-formed Unicode")
  .openapi({ maxLength: HTTP_API_LIMITS.fileNameCharacters });

type FilePart = Exclude<ReturnType<FormData["get"]>, string | null>;

export interface UploadedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly bytes: Buffer;
}

/**
 * Reads a multipart/form-data body (RFC 7578) with one `file` and at most one `name`; without it the file's own name
 * counts.
 * @throws VaultProxyError `unsupported_media_type`, `body_too_large`, or `invalid_request` that names the field.
 */
export async function readUpload(request: Request): Promise<UploadedFile> {
  const contentType = request.headers.get("content-type") ?? undefined;
  if (mediaTypeOf(contentType) !== "multipart/form-data") {
    throw new VaultProxyError("unsupported_media_type", "Content-Type must be multipart/form-data");
  }
  const limits = HTTP_API_LIMITS;
  const body = await readBody(request, limits.fileBytes + limits.multipartOverheadBytes, FILE_TOO_LARGE);
  const form = await parse(body, contentType ?? "");
  assertPlainParts(Buffer.from(body.buffer), boundaryOf(contentType ?? ""));
  let file: FilePart | undefined;
  let name: string | undefined;
  for (const [field, value] of form) {
    if (field === "file" && typeof value !== "string") {
      if (file !== undefined) throw refusal("file: only one file can be sent");
      file = value;
    } else if (field === "name" && typeof value === "string") {
      if (name !== undefined) throw refusal("name: must be given once");
      name = value;
    } else {
      throw refusal(
        field === "file"
          ? "file: must be a file, with a filename"
          : field === "name"
            ? "name: must be text, without a filename"
            : "unknown field: only name and file are known",
      );
    }
  }
  if (file === undefined) throw refusal("file: is required");
  if (file.size > limits.fileBytes) {
    throw new VaultProxyError("body_too_large", FILE_TOO_LARGE);
  }
  const named = fileNameSchema.safeParse(name ?? file.name);
  if (!named.success) throw invalidRequest(named.error.issues, undefined, "name");
  return {
    name: named.data,
    mimeType: storedMediaType(file.type),
    bytes: Buffer.from(await file.arrayBuffer()),
  };
}

async function parse(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await bufferToFormData(body.buffer, contentType);
  } catch (cause) {
    throw new VaultProxyError("invalid_request", "body: is not valid multipart/form-data", { cause });
  }
}

function boundaryOf(contentType: string): string {
  return new MIMEType(contentType).params.get("boundary") ?? "";
}

/** Parameters are dropped: an old client's `charset` says nothing that the bytes do not. */
function storedMediaType(sent: string): string {
  const mediaType = mediaTypeOf(sent);
  const isUsable = mediaType.length <= HTTP_API_LIMITS.mediaTypeCharacters && MEDIA_TYPE.test(mediaType);
  return isUsable ? mediaType : DEFAULT_MEDIA_TYPE;
}

function refusal(message: string): VaultProxyError {
  return new VaultProxyError("invalid_request", message);
}
