"""The I/O-free core: each operation says what to send and how to read the answer; a client only carries it."""
