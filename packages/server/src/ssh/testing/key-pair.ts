import ssh2 from "ssh2";

/** A new Ed25519 pair. One in some three hundred that ssh2 makes it cannot read itself; those are thrown away. */
export function makeKeyPair(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}
