import { createRoute, z } from "@hono/zod-openapi";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import type { AuditTrail } from "./audit-trail.js";
import type { AccessRules } from "./authentication.js";
import { attachmentDisposition } from "./content-disposition.js";
import type { ControlPlaneApp, ControlPlaneParts } from "./control-plane.js";
import { deletedSchema } from "./deleted-schema.js";
import { ADMIN_ERRORS, BODY_ERRORS, SAVE_ERRORS, errorResponses } from "./error-schema.js";
import { fileNameSchema, readUpload } from "./file-upload.js";
import { HTTP_API_LIMITS } from "./http-api-limits.js";
import { BEARER_SECURITY, jsonAnswer } from "./route-documentation.js";

const storedFileSchema = z
  .strictObject({
    name: z.string(),
    mime_type: z.string(),
    size: z.number().openapi({ description: "Bytes." }),
  })
  .openapi("StoredFile");

const fileInfoSchema = z
  .strictObject({ ...storedFileSchema.shape, created_at: z.iso.datetime() })
  .openapi("FileInfo");

const nameParams = z.strictObject({ name: fileNameSchema });
const noSuchFile = (): VaultProxyError => new VaultProxyError("not_found", "no such file");

/** `/files` and `/files/{name}`. */
export function registerFileRoutes(
  app: ControlPlaneApp,
  parts: ControlPlaneParts,
  access: AccessRules,
  trail: AuditTrail,
): void {
  const { log } = parts;
  const { files } = parts.vault;

  app.openapi(
    createRoute({
      method: "post",
      path: "/files",
      operationId: "uploadFile",
      tags: ["files"],
      summary: "Store a file, or replace the one of that name",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: {
        body: {
          required: true,
          description: `The file may have ${HTTP_API_LIMITS.fileBytes} bytes.`,
          // Not a schema to validate with: the form is read by readUpload, whose limits the framework's reader lacks.
          content: {
            "multipart/form-data": {
              schema: {
                type: "object",
                required: ["file"],
                additionalProperties: false,
                properties: {
                  name: {
                    type: "string",
                    maxLength: HTTP_API_LIMITS.fileNameCharacters,
                    description: "The file's own name without it.",
                  },
                  file: { type: "string", format: "binary" },
                },
              },
            },
          },
        },
      },
      responses: {
        201: jsonAnswer(storedFileSchema, "The file is stored"),
        ...errorResponses(...ADMIN_ERRORS, ...BODY_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      parts.allowUpload(c);
      const upload = await readUpload(c.req.raw);
      // The body may have come slowly: a token revoked meanwhile must not act.
      await access.requireAdmin(c, () => Promise.resolve());
      const { name, mime_type, size } = await files.put(upload.name, upload.mimeType, upload.bytes);
      log.info({ size, by: c.get("token").id_prefix }, "file stored");
      await trail.changed(c, "file.add", { status: 201, bytes_in: size }, { file: name, size });
      return c.json({ name, mime_type, size }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/files",
      operationId: "listFiles",
      tags: ["files"],
      summary: "List the stored files",
      security: BEARER_SECURITY,
      middleware: access.admin,
      responses: {
        200: jsonAnswer(z.array(fileInfoSchema), "Every file, by name"),
        ...errorResponses(...ADMIN_ERRORS),
      },
    }),
    (c) => {
      const listed = files.list().sort((a, b) => (a.name < b.name ? -1 : 1));
      return c.json(
        listed.map(({ name, mime_type, size, created_at }) => ({ name, mime_type, size, created_at })),
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/files/{name}",
      operationId: "getFile",
      tags: ["files"],
      summary: "Download a stored file",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: nameParams },
      responses: {
        200: {
          description: "The file's bytes, with the media type it was stored with",
          headers: { "Content-Disposition": { description: "`attachment`", schema: { type: "string" } } },
          content: { "application/octet-stream": { schema: { type: "string", format: "binary" } } },
        },
        ...errorResponses("invalid_request", "not_found", "storage_failed", ...ADMIN_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      const info = files.get(name);
      if (info === undefined) throw noSuchFile();
      const bytes = await files.read(name);
      const size = bytes.byteLength;
      await trail.changed(c, "file.read", { status: 200, bytes_out: size }, { file: name, size });
      c.header("Content-Type", info.mime_type);
      c.header("Content-Length", String(bytes.byteLength));
      c.header("Content-Disposition", attachmentDisposition(name));
      return c.body(new Uint8Array(bytes), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "delete",
      path: "/files/{name}",
      operationId: "deleteFile",
      tags: ["files"],
      summary: "Delete a stored file",
      security: BEARER_SECURITY,
      middleware: access.admin,
      request: { params: nameParams },
      responses: {
        200: jsonAnswer(deletedSchema, "The file is gone"),
        ...errorResponses("invalid_request", "not_found", ...ADMIN_ERRORS, ...SAVE_ERRORS),
      },
    }),
    async (c) => {
      const { name } = c.req.valid("param");
      if (!(await files.delete(name))) throw noSuchFile();
      log.info({ by: c.get("token").id_prefix }, "file deleted");
      await trail.changed(c, "file.remove", { status: 200 }, { file: name });
      return c.json({ status: "deleted" as const }, 200);
    },
  );
}
