import { describe, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { BOB, CAROL } from "../support/users.js";
import { changed } from "../support/wire.js";

const devices = { [BOB]: ["B1"], [CAROL]: ["C1"] };
const result = { x: ["bob B1 superseded", "carol C1 current"] };

describe("freshness is decided when the value is emitted", () => {
  it(
    "for a cached user who changes while the call waits for another",
    marbles((m) => {
      const sync$ = m.hot("-----x", { x: changed(BOB) });
      const { lookup } = setUp(m, { devices, tracked: [BOB, CAROL], sync$, answerAfter: 1 });
      lookup([BOB]).subscribe();
      m.expectObservable(lookup([BOB, CAROL]), "----^").toBe("-----(x|)", result);
    }),
  );

  it(
    "for a user who is answered before the call's other requests, and changes",
    marbles((m) => {
      const sync$ = m.hot("---x", { x: changed(BOB) });
      const { lookup, homeserver } = setUp(m, { devices, tracked: [BOB, CAROL], sync$, answerAfter: 5 });
      lookup([CAROL]).subscribe();
      homeserver.answerAfter = 2;
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", result);
    }),
  );

  it(
    "for an untracked user who becomes tracked after the answer",
    marbles((m) => {
      const sync$ = m.hot("---x", { x: changed(BOB) });
      const { lookup, homeserver } = setUp(m, { devices, tracked: [CAROL], sync$, answerAfter: 5 });
      lookup([CAROL]).subscribe();
      homeserver.answerAfter = 2;
      m.expectObservable(lookup([BOB, CAROL])).toBe("-----(x|)", result);
    }),
  );
});
