/**
 * Frees a handle into the memory of WebAssembly at once: the garbage collector does so late, as it does not see what
 * the handle holds. Objects of other engines have no `free`.
 */
export function free(handle: object): void {
  (handle as { free?(): void }).free?.();
}
