import { Observable, tap, throwError, type Observer, type UnaryFunction } from "rxjs";

type IsReported = (error: unknown) => boolean;

/**
 * Mirrors a stream with errors that are reported on `problems$`. RxJS throws errors that a subscriber does not handle,
 * which ends a Node process. An error that was reported need not be thrown as well:
 *
 *     stream$.subscribe({ next, error })    gets the error
 *     stream$.subscribe(next)               is unsubscribed
 *     stream$.pipe(…).subscribe(next)       likewise; an error from an operator is still unhandled
 */
export function withReportedErrors<T>(source$: Observable<T>): Observable<T> {
  const objects = new WeakSet(); // an error may refer to a whole response
  const others = new Set<unknown>();
  const add = (error: unknown) => {
    if (isObject(error)) objects.add(error);
    else others.add(error);
  };
  const isReported = (error: unknown) => (isObject(error) ? objects.has(error) : others.has(error));
  return tolerant(source$.pipe(tap({ error: add })), isReported);
}

/** Whether a subscriber handles errors is known only where it subscribes: at the end of each pipe. */
function tolerant<T>(source$: Observable<T>, isReported: IsReported): Observable<T> {
  const subscribe = (...handlers: Handlers<T>) => source$.subscribe(handling(observerOf(handlers), isReported));
  const pipe = (...operators: readonly UnaryFunction<unknown, unknown>[]): never => {
    const piped = operators.reduce<unknown>((source, operator) => operator(source), source$);
    return (isPlain(piped) ? tolerant(piped, isReported) : piped) as never;
  };
  return Object.assign(new Observable<T>(), { subscribe, pipe });
}

type Handlers<T> = readonly [
  observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
  error?: ((error: unknown) => void) | null,
  complete?: (() => void) | null,
];

function observerOf<T>([first, error, complete]: Handlers<T>): Partial<Observer<T>> {
  if (typeof first === "object" && first !== null) return first;
  return { ...(first && { next: first }), ...(error && { error }), ...(complete && { complete }) };
}

function handling<T>(observer: Partial<Observer<T>>, isReported: IsReported): Partial<Observer<T>> {
  if (observer.error !== undefined) return observer;
  return {
    next: (value) => observer.next?.(value),
    error: (error: unknown) => {
      if (!isReported(error)) throwUnhandled(error);
    },
    complete: () => observer.complete?.(),
  };
}

/** As RxJS does. */
function throwUnhandled(error: unknown): void {
  throwError(() => error).subscribe();
}

/** True if it has no methods of its own. */
function isPlain(value: unknown): value is Observable<unknown> {
  return value instanceof Observable && Object.getPrototypeOf(value) === Observable.prototype;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
