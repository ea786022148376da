/** Thrown where a worker finds that only the owner can make a call. Nothing was done yet, and nothing was recorded. */
export class HandOver extends Error {
  override readonly name = "HandOver";

  constructor() {
    super("the owner makes this call");
  }
}
