import { WORKER_LIMITS } from "./limits.js";

export interface OwnerWatch {
  /** The owner said something. */
  heard(): void;
}

/**
 * Looks whether a worker still hears its owner, which says something several times a second.
 *
 * @param onChange told when it is silent, and when it is heard again
 */
export function createOwnerWatch({
  now,
  every,
  onChange,
}: {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly every: (milliseconds: number, task: () => void) => unknown;
  readonly onChange: (isSilent: boolean) => void;
}): OwnerWatch {
  let heardAt = now();
  let isSilent = false;
  every(WORKER_LIMITS.look, () => {
    if (isSilent || now() - heardAt <= WORKER_LIMITS.ownerSilence) return;
    isSilent = true;
    onChange(true);
  });
  return {
    heard() {
      heardAt = now();
      if (!isSilent) return;
      isSilent = false;
      onChange(false);
    },
  };
}
