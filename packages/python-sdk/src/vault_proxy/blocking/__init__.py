"""The methods of `VaultClient`, by what they are about; `asynchronous` has the same for `AsyncVaultClient`."""
