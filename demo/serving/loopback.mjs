/**
 * Whether the `Host` of a request is a name of this machine. Another site can resolve its own name to 127.0.0.1, and
 * its pages would then be same-origin (DNS rebinding), but it cannot choose this header.
 *
 * @param {string | undefined} host
 */
export function isLoopback(host) {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host ?? "");
}
