/** One listening TCP socket of this machine. */
export interface ListeningSocket {
  readonly port: number;
  readonly uid: number;
  /** By which a process's descriptors name it. */
  readonly inode: number;
  /** Whether a connection to a loopback address can reach it. */
  readonly loopback: boolean;
}

/** State 0A is TCP_LISTEN (Linux include/net/tcp_states.h). */
const LISTEN = "0A";

/**
 * Reads the text of `/proc/net/tcp` or `/proc/net/tcp6` (proc_pid_net(5)). Addresses are 32-bit words in the byte
 * order of the machine; lines of any other form are passed over.
 */
export function parseListeningSockets(text: string, endianness: "LE" | "BE"): ListeningSocket[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const local = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(fields[1] ?? "");
    const numbers = [fields[7] ?? "", fields[9] ?? ""];
    if (local?.[1] === undefined || local[2] === undefined || fields[3] !== LISTEN) return [];
    if (!numbers.every((digits) => /^\d+$/.test(digits))) return [];
    const [uid = 0, inode = 0] = numbers.map(Number);
    const loopback = isReachableOverLoopback(addressBytes(local[1], endianness));
    return [{ port: parseInt(local[2], 16), uid, inode, loopback }];
  });
}

function addressBytes(hex: string, endianness: "LE" | "BE"): number[] {
  const words = hex.match(/.{8}/g) ?? [];
  return words.flatMap((word) => {
    const bytes = [0, 2, 4, 6].map((at) => parseInt(word.slice(at, at + 2), 16));
    return endianness === "LE" ? bytes.reverse() : bytes;
  });
}

/** 127.0.0.0/8, ::1, the unspecified addresses, and IPv4-mapped forms of the first two. */
function isReachableOverLoopback(address: readonly number[]): boolean {
  if (address.every((byte) => byte === 0)) return true;
  if (address.length === 4) return address[0] === 127;
  if (address.slice(0, 15).every((byte) => byte === 0)) return address[15] === 1;
  const mapped =
    address.slice(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
  return mapped && (address[12] === 127 || address.slice(12).every((byte) => byte === 0));
}
