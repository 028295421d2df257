/**
 * A hash of the names and contents of files and folders below a root. Modification times mean nothing after a checkout.
 */
export function hashOf(root: string, paths: readonly string[]): string;
