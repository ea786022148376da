/** Longest remote path, in bytes of UTF-8: PATH_MAX of Linux (limits.h), which counts the NUL at the end too. */
export const LONGEST_PATH_BYTES = 4096;

/** Longest name between two slashes, in bytes of UTF-8: NAME_MAX of Linux and of nearly every file system. */
export const LONGEST_NAME_BYTES = 255;
