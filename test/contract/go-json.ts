/**
 * Reads JSON as Go's encoding/json does into a struct (https://pkg.go.dev/encoding/json#Unmarshal): fields match in any letter
 * case, unknown ones are ignored, absent ones and null leave the zero value, and a value of another type is an error.
 */
export type GoType =
  | "string"
  | "bool"
  | "int"
  | "time"
  | "duration"
  | { readonly listOf: GoType }
  | { readonly pointerTo: GoType }
  | { readonly fields: Readonly<Record<string, GoType>> };

const ZERO = { string: "", bool: false, int: 0, time: "0001-01-01T00:00:00Z", duration: "0s" } as const;

/** RFC 3339 as time.Time takes it: an offset is needed, and seconds may have a fraction. */
const GO_TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
/** As time.ParseDuration takes it: no days. */
const GO_DURATION = /^[+-]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/;

export type GoValue =
  string | number | boolean | null | readonly GoValue[] | { readonly [field: string]: GoValue };

/** @throws Error as Unmarshal would return one */
export function unmarshal(json: string, type: GoType): GoValue {
  return decode(JSON.parse(json) as unknown, type, "");
}

function decode(value: unknown, type: GoType, path: string): GoValue {
  if (typeof type === "object" && "pointerTo" in type) {
    return value === undefined || value === null ? null : decode(value, type.pointerTo, path);
  }
  if (value === undefined || value === null) return zeroOf(type);
  if (typeof type === "object" && "listOf" in type) {
    if (!Array.isArray(value)) throw mismatch(value, "slice", path);
    return value.map((item, index) => decode(item, type.listOf, `${path}[${String(index)}]`));
  }
  if (typeof type === "object") {
    if (typeof value !== "object" || Array.isArray(value)) throw mismatch(value, "struct", path);
    const given = Object.entries(value);
    return Object.fromEntries(
      Object.entries(type.fields).map(([name, inner]) => {
        const exact =
          given.find(([key]) => key === name) ??
          given.find(([key]) => key.toLowerCase() === name.toLowerCase());
        return [name, decode(exact?.[1], inner, `${path}.${name}`)];
      }),
    );
  }
  return decodeScalar(value, type, path);
}

function decodeScalar(value: unknown, type: keyof typeof ZERO, path: string): GoValue {
  if (type === "bool" && typeof value === "boolean") return value;
  if (type === "int" && typeof value === "number" && Number.isSafeInteger(value)) return value;
  if (type === "string" && typeof value === "string") return value;
  if (type === "time" && typeof value === "string" && GO_TIME.test(value)) return value;
  if (type === "duration" && typeof value === "string" && GO_DURATION.test(value)) return value;
  throw mismatch(value, type, path);
}

function zeroOf(type: GoType): GoValue {
  if (typeof type === "string") return ZERO[type];
  if ("listOf" in type || "pointerTo" in type) return null;
  return Object.fromEntries(Object.entries(type.fields).map(([name, inner]) => [name, zeroOf(inner)]));
}

function mismatch(value: unknown, type: string, path: string): Error {
  return new Error(`json: cannot unmarshal ${JSON.stringify(value)} into Go value${path} of type ${type}`);
}
