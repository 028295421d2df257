/**
 * Whether a request's `Host` is a name of this machine. A page elsewhere can point a name of its own at 127.0.0.1 and would then
 * be of our origin (DNS rebinding); it cannot choose this header.
 *
 * @param {string | undefined} host
 */
export function isLoopback(host) {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? "");
}
