import { NEVER, of, Subject, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceLists, SyncResponse } from "../../src/model/wire.js";
import type { Outcome } from "../../src/store/rebase.js";
import { EmissionQueue } from "../../src/tracker/emission-queue.js";
import { ResponseStreams } from "../../src/tracker/response-streams.js";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import { BOB, CAROL } from "../support/users.js";

/** The streams, and what they emit: such as `applied s1`, `synced s1`, `synced ends: logged out`. */
function streamsInTest() {
  const streams = new ResponseStreams(new EmissionQueue());
  const seen: string[] = [];
  const subscribe = () => {
    for (const name of ["applied", "synced"] as const)
      streams[`${name}$`].subscribe({
        next: ({ next_batch }) => seen.push(`${name} ${next_batch}`),
        error: (error: unknown) => seen.push(`${name} fails: ${String(error)}`),
        complete: () => seen.push(`${name} completes`),
      });
  };
  subscribe();
  /** Applies a response whose outcome is given later. */
  const apply = (next_batch: string): Subject<Outcome> => {
    const outcome$ = new Subject<Outcome>();
    streams.applied({ next_batch }, outcome$);
    return outcome$;
  };
  return { streams, seen, subscribe, apply };
}

describe("a response of this tab", () => {
  it("is emitted on applied$ at once, on synced$ when it is durable", () => {
    const { seen, apply } = streamsInTest();
    const outcome$ = apply("s1");
    expect(seen).toEqual(["applied s1"]);
    outcome$.next("committed");
    expect(seen).toEqual(["applied s1", "synced s1"]);
  });

  it("is emitted on synced$ in order, whichever outcome is known first", () => {
    const { seen, apply } = streamsInTest();
    const [first$, second$] = [apply("s1"), apply("s2")];
    second$.next("committed");
    expect(seen).toEqual(["applied s1", "applied s2"]);
    first$.next("committed");
    expect(seen.slice(2)).toEqual(["synced s1", "synced s2"]);
  });

  it("of a stream that is behind is emitted with the next commit of its stream", () => {
    const { seen, apply } = streamsInTest();
    const [late$, next$] = [apply("s1"), apply("s2")];
    late$.next("applied");
    expect(seen).toEqual(["applied s1", "applied s2"]);
    next$.next("committed");
    expect(seen.slice(2)).toEqual(["synced s1", "synced s2"]);
  });

  it("of a stream that is behind is emitted before the next step of another tab", () => {
    const { streams, seen, apply } = streamsInTest();
    apply("s1").next("applied");
    streams.committedElsewhere({ next_batch: "s2" });
    expect(seen).toEqual(["applied s1", "synced s1", "applied s2", "synced s2"]);
  });

  it("of a stream that is behind is not emitted with a commit before it", () => {
    const { seen, apply } = streamsInTest();
    const [first$, late$] = [apply("s1"), apply("s2")];
    late$.next("applied");
    first$.next("committed");
    expect(seen.slice(2)).toEqual(["synced s1"]);
  });

  it("is joined with the next one beyond 1,000 that wait: a store has failed for long", () => {
    const { streams } = streamsInTest();
    const synced: SyncResponse[] = [];
    streams.synced$.subscribe((response) => synced.push(response));
    const outcomes = Array.from({ length: 1_002 }, (_, i) => {
      const outcome$ = new Subject<Outcome>();
      const device_lists = [{ changed: [BOB] }, { left: [BOB], changed: [CAROL] }, null][i] as DeviceLists;
      streams.applied({ since: `s${i}`, next_batch: `s${i + 1}`, device_lists }, outcome$);
      return outcome$;
    });
    expect(outcomes.findIndex(({ observed }) => observed)).toBe(2);
    for (const outcome$ of outcomes.slice(2)) outcome$.next("committed");
    expect(synced).toHaveLength(1_000);
    expect(synced[0]).toEqual({ since: "s0", next_batch: "s3", device_lists: { changed: [CAROL], left: [BOB] } });
    expect(synced[1]).toEqual({ since: "s3", next_batch: "s4" });
  });

  it("costs time in the users that it names however many wait", () => {
    const { streams } = streamsInTest();
    let reads = 0;
    const read = (users: string[], index: string | symbol): unknown => {
      if (index === "0") reads++;
      return Reflect.get(users, index);
    };
    for (let i = 0; i < 1_500; i++) {
      const device_lists = { changed: new Proxy([BOB], { get: read }) };
      streams.applied({ since: `s${i}`, next_batch: `s${i + 1}`, device_lists }, NEVER);
    }
    expect(reads).toBe(501);
  });

  it("has its body on applied$ and only its device lists on synced$", () => {
    const { streams } = streamsInTest();
    const response: SyncResponse = {
      next_batch: "s1",
      since: "s0",
      device_lists: { changed: [BOB] },
      ...{ rooms: { join: {} } },
    };
    const seen: SyncResponse[] = [];
    streams.applied$.subscribe((one) => seen.push(one));
    streams.synced$.subscribe((one) => seen.push(one));
    streams.applied(response, of("committed"));
    expect(seen[0]).toBe(response);
    expect(seen[1]).toEqual({ next_batch: "s1", since: "s0", device_lists: { changed: [BOB] } });
  });

  it("is not emitted on synced$ if its commit fails for good", () => {
    const { streams, seen } = streamsInTest();
    streams.applied(
      { next_batch: "s1" },
      throwError(() => new Error("cleared")),
    );
    expect(seen).toEqual(["applied s1"]);
  });
});

describe("a step that another tab committed", () => {
  it("is emitted on both streams at once", () => {
    const { streams, seen } = streamsInTest();
    streams.committedElsewhere({ next_batch: "s1" });
    expect(seen).toEqual(["applied s1", "synced s1"]);
  });
});

describe("the end of the sync stream", () => {
  it("ends applied$ at once, and synced$ after the last response is durable", () => {
    const { streams, seen, apply } = streamsInTest();
    const outcome$ = apply("s1");
    streams.end("complete", false);
    expect(seen).toEqual(["applied s1", "applied completes"]);
    outcome$.next("committed");
    expect(seen.slice(2)).toEqual(["synced s1", "synced completes"]);
  });

  it("is emitted with its error", () => {
    const { streams, seen } = streamsInTest();
    streams.end({ error: "logged out" }, false);
    expect(seen).toEqual(["applied fails: logged out", "synced fails: logged out"]);
  });

  it("ends synced$ after a late response, which no commit follows any more", () => {
    const { streams, seen, apply } = streamsInTest();
    apply("s1").next("applied");
    streams.end("complete", false);
    expect(seen.slice(1)).toEqual(["applied completes", "synced s1", "synced completes"]);
  });

  it("does not wait for a store that fails already", () => {
    const { streams, seen, apply } = streamsInTest();
    apply("s1");
    streams.end({ error: "logged out" }, true);
    expect(seen.slice(1)).toEqual(["applied fails: logged out", "synced fails: logged out"]);
  });

  it("no longer waits for a store that begins to fail", () => {
    const { streams, seen, apply } = streamsInTest();
    apply("s1");
    streams.end("complete", false);
    streams.storeFails();
    expect(seen.slice(1)).toEqual(["applied completes", "synced completes"]);
  });

  it("leaves the next connection alone, which has streams of its own", () => {
    const { streams, seen, subscribe, apply } = streamsInTest();
    const before$ = apply("s1");
    streams.end("complete", false);
    subscribe();
    apply("s2").next("committed");
    expect(seen.slice(2)).toEqual(["applied s2", "synced s2"]);
    before$.next("committed");
    expect(seen.slice(4)).toEqual(["synced s1", "synced completes"]);
  });
});

describe("a subscriber of the streams", () => {
  it("that comes after an end gets what comes after it, not the end", () => {
    const { streams, seen, subscribe } = streamsInTest();
    streams.end("complete", false);
    seen.length = 0;
    subscribe();
    expect(seen).toEqual([]);
  });

  it("gets the end of everything from a connection that is over, too", () => {
    const { streams, seen, apply } = streamsInTest();
    apply("s1");
    streams.end("complete", false);
    streams.finish({ error: "cleared" });
    expect(seen).toEqual(["applied s1", "applied completes", "synced fails: cleared"]);
  });

  it("gets the end of everything", () => {
    const { streams, seen, apply } = streamsInTest();
    apply("s1");
    streams.finish({ error: "cleared" });
    expect(seen).toEqual(["applied s1", "applied fails: cleared", "synced fails: cleared"]);
  });
});

describe("an error that has no subscriber", () => {
  const unhandled = collectUnhandledErrors();

  it("is not thrown: that would end a Node process", () => {
    const streams = new ResponseStreams(new EmissionQueue());
    streams.end({ error: new Error("logged out") }, false);
    expect(unhandled()).toEqual([]);
  });
});
