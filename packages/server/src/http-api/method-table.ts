export interface RouteShape {
  /** In any letter case. */
  readonly method: string;
  /** With parameters as `:name`, each standing for one whole segment. */
  readonly path: string;
}

/**
 * For the 405 of a known path: gives the methods that `path` works with, as `Allow` lists them (RFC 9110 §10.2.1), and
 * none for an unknown path. Where GET works HEAD does.
 */
export function createMethodTable(routes: readonly RouteShape[]): (path: string) => string[] {
  const table = routes.map(({ method, path }) => ({
    method: method.toUpperCase(),
    segments: path.split("/"),
  }));
  return function allowedMethods(path) {
    const segments = path.split("/");
    const methods = new Set<string>();
    for (const route of table) {
      if (!matches(route.segments, segments)) continue;
      methods.add(route.method);
      if (route.method === "GET") methods.add("HEAD");
    }
    return [...methods].sort();
  };
}

function matches(template: readonly string[], segments: readonly string[]): boolean {
  return (
    template.length === segments.length &&
    template.every((part, index) =>
      part.startsWith(":") ? segments[index] !== "" : part === segments[index],
    )
  );
}
