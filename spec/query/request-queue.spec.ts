import { describe, expect, it } from "vitest";
import type { QueryRequest } from "../../src/query/query-request.js";
import { RequestQueue, type Queued } from "../../src/query/request-queue.js";

/** A queue of queries by name; `sent` are its requests, which stay in flight. */
function queueInTest(maxConcurrentQueries = 1) {
  const sent: string[] = [];
  let reads = 0;
  const queue = new RequestQueue<Queued & { readonly name: string }>(
    { maxUsersPerQuery: 2, maxConcurrentQueries },
    (batch) => {
      queue.begun({ superseded: false } as QueryRequest, batch);
      sent.push(batch.map(({ name }) => name).join(" "));
    },
    () => {},
  );
  const add = (names: string, { timeout, isBackground = false }: Partial<Queued> = {}) =>
    names.split(" ").map((name) => {
      const query = {
        name,
        isBackground,
        get timeout() {
          reads++;
          return timeout;
        },
      };
      queue.add(query);
      return query;
    });
  return { queue, add, sent, reads: () => reads };
}

describe("queries that wait", () => {
  it("travel in requests of users with the same timeout", () => {
    const { queue, add, sent } = queueInTest(9);
    add("a");
    add("b", { timeout: 5 });
    add("c d");
    queue.send();
    expect(sent).toEqual(["a c", "b", "d"]);
  });

  it("in the background do not wait for others, nor others for them", () => {
    const { queue, add, sent } = queueInTest();
    add("a b c", { isBackground: true });
    add("d e f");
    queue.send();
    expect(sent).toEqual(["d e", "a b"]);
  });

  it("in the background go with the others once a caller waits for them", () => {
    const { queue, add, sent } = queueInTest();
    const [inFlight, forward] = add("a b", { isBackground: true });
    add("c", { isBackground: true });
    queue.bringForward(forward!);
    queue.send();
    queue.bringForward(inFlight!);
    expect(sent).toEqual(["b", "a c"]);
  });

  it("are not read while there is no room for them, however many they are", () => {
    const { queue, add, sent, reads } = queueInTest();
    add("a b");
    queue.send();
    const before = reads();
    for (let i = 0; i < 1_000; i++) {
      add(`user${i}`);
      queue.send();
    }
    expect(sent).toHaveLength(1);
    expect(reads()).toBe(before);
  });
});
