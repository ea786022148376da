"""The methods of `AsyncVaultClient`, by what they are about; `blocking` has the same for `VaultClient`."""
