/** A file of the installed package, by its path in there: source, compiled module and bundle lie equally deep. */
export function packageFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}
