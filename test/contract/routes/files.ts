import { expect } from "vitest";
import type { RouteRow, World } from "../route-row.js";

const CONTENT = "the content of a file";
const nameOf = ({ pass }: World): string => `notes-${pass}.txt`;
const form = (world: World, content = CONTENT): Record<string, string | Blob> => ({
  name: nameOf(world),
  file: new Blob([content], { type: "text/plain" }),
});
const stored = { name: expect.stringMatching(/^notes-/) as unknown, size: CONTENT.length };
const unknown = {
  name: "an unknown file",
  request: () => ({ target: "/files/nothing-of-that-name" }),
  status: 404,
  code: "not_found",
};

export const FILES: readonly RouteRow[] = [
  {
    route: "POST /files",
    access: "admin",
    request: (world) => ({ target: "/files", form: form(world) }),
    status: 201,
    answers: { ...stored, mime_type: expect.any(String) as unknown },
    faulty: {
      request: (world) => ({ target: "/files", form: { ...form(world), name: "../up" } }),
      names: "name",
    },
    errors: [
      {
        name: "a file over 5 MB",
        request: (world) => ({ target: "/files", form: form(world, "x".repeat(5 * 1024 * 1024 + 1)) }),
        status: 413,
        code: "body_too_large",
      },
      {
        name: "a body that is no form",
        request: () => ({ target: "/files", json: {} }),
        status: 415,
        code: "unsupported_media_type",
      },
    ],
    typescript: (client, world) => client.uploadFile(nameOf(world), new TextEncoder().encode(CONTENT)),
    python: (world) => ({
      method: "upload_file",
      args: [nameOf(world), { base64: Buffer.from(CONTENT).toString("base64") }],
    }),
  },
  {
    route: "GET /files",
    access: "admin",
    request: () => ({ target: "/files" }),
    status: 200,
    answers: expect.arrayContaining([expect.objectContaining(stored)]) as unknown,
    typescript: (client) => client.listFiles(),
    python: () => ({ method: "list_files" }),
  },
  {
    route: "GET /files/{name}",
    access: "admin",
    request: (world) => ({ target: `/files/${nameOf(world)}` }),
    status: 200,
    answers: CONTENT,
    errors: [unknown],
    typescript: async (client, world) => Buffer.from(await client.getFile(nameOf(world))).toString(),
    python: (world) => ({ method: "get_file", args: [nameOf(world)] }),
    givesInPython: { base64: Buffer.from(CONTENT).toString("base64") },
  },
  {
    route: "DELETE /files/{name}",
    access: "admin",
    request: (world) => ({ target: `/files/${nameOf(world)}` }),
    status: 200,
    answers: { status: "deleted" },
    errors: [unknown],
    typescript: (client, world) => client.deleteFile(nameOf(world)),
    python: (world) => ({ method: "delete_file", args: [nameOf(world)] }),
    gives: undefined,
    givesInPython: null,
  },
];
