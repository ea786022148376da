/**
 * The bytes are not a vault file that this key opens. `reason` is for the server's own log; a caller is told the
 * same sentence as for a wrong password.
 */
export class DamagedVaultFileError extends Error {
  override readonly name = "DamagedVaultFileError";

  constructor(readonly reason: string) {
    super(`damaged vault file: ${reason}`);
  }
}

/** The file says that it has a later format than this program reads. */
export class NewerVaultFormatError extends Error {
  override readonly name = "NewerVaultFormatError";

  constructor(readonly format: number) {
    super(`vault file of format ${format}`);
  }
}

/** The key derived from the password does not open the key slot: a wrong password, or a slot that was changed. */
export class WrongPasswordError extends Error {
  override readonly name = "WrongPasswordError";
}
