"""Official SDKs and HTTP clients, unmodified, through the built vault-server."""
