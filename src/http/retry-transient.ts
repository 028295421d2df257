import { defer, type MonoTypeOperatorFunction, retry, type SchedulerLike, throwError, timer } from "rxjs";
import { backoff } from "./backoff.js";
import { MatrixError } from "./matrix-error.js";

const MAX_RETRIES = 2;
/**
 * A retry is sent within this time after the first request, or not at all, in ms: the caller waits for the response.
 */
const RETRY_WINDOW = 30_000;

/**
 * Retries after transient failures: at most twice, after 1 to 2 s and then 2 to 4 s, or when the server says
 * (`retry_after_ms`, `Retry-After`). Fails at once if a retry would come more than 30 s after the first request.
 */
export function retryTransient<T>(
  isTransient: (error: unknown) => boolean,
  scheduler: SchedulerLike,
): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      const sentAt = scheduler.now();
      return source.pipe(
        retry({
          count: MAX_RETRIES,
          delay: (error: unknown, attempt) => {
            const retryAfter = error instanceof MatrixError ? (error.retryAfter ?? 0) : 0;
            const wait = Math.max(backoff(attempt, Math.random()), retryAfter);
            return isTransient(error) && scheduler.now() - sentAt + wait <= RETRY_WINDOW
              ? timer(wait, scheduler)
              : throwError(() => error);
          },
        }),
      );
    });
}
