import { describe, expect, it } from "vitest";
import { EmissionQueue } from "../../src/tracker/emission-queue.js";

/** A queue, and what it has emitted, in order. */
function queueInTest() {
  const emissions = new EmissionQueue();
  const seen: string[] = [];
  const emit = (name: string) => {
    emissions.enqueue(() => seen.push(name));
  };
  return { emissions, seen, emit };
}

describe("EmissionQueue", () => {
  it("emits at once outside a batch", () => {
    const { seen, emit } = queueInTest();
    emit("first");
    expect(seen).toEqual(["first"]);
  });

  it("emits in order at the end of the outermost batch", () => {
    const { emissions, seen, emit } = queueInTest();
    emissions.batch(() => {
      emit("first");
      emissions.batch(() => {
        emit("second");
      });
      seen.push("end of the batch");
    });
    expect(seen).toEqual(["end of the batch", "first", "second"]);
  });

  it("emits after the emissions before it: one from inside another comes last", () => {
    const { emissions, seen, emit } = queueInTest();
    emissions.batch(() => {
      emissions.enqueue(() => {
        emit("inner");
        seen.push("outer");
      });
      emit("next");
    });
    expect(seen).toEqual(["outer", "next", "inner"]);
  });

  it("emits what a batch from inside an emission enqueues after it", () => {
    const { emissions, seen, emit } = queueInTest();
    emissions.enqueue(() => {
      emissions.batch(() => {
        emit("inner");
      });
      seen.push("outer");
    });
    expect(seen).toEqual(["outer", "inner"]);
  });

  it("goes on after a batch that throws, and emits what it had enqueued", () => {
    const { emissions, seen, emit } = queueInTest();
    const failing = () =>
      emissions.batch(() => {
        emit("enqueued");
        throw new Error("failed");
      });
    expect(failing).toThrow("failed");
    emit("later");
    expect(seen).toEqual(["enqueued", "later"]);
  });

  it("goes on after an emission that throws", () => {
    const { emissions, seen, emit } = queueInTest();
    expect(() => {
      emissions.enqueue(() => {
        throw new Error("failed");
      });
    }).toThrow("failed");
    emit("later");
    expect(seen).toEqual(["later"]);
  });

  it("returns what the batch returns", () => {
    expect(new EmissionQueue().batch(() => 5)).toBe(5);
  });
});
