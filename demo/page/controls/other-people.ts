import { concat, EMPTY, ignoreElements } from "rxjs";
import { control } from "../session/embedded-homeserver.js";
import type { Experiment, Stage } from "./experiment.js";
import { BOB, CAROL, DAVE, ELSEWHERE } from "./users.js";

const isIn = ({ world }: Stage) => world.members.includes(CAROL);
const isDown = ({ world }: Stage) => world.down.includes(ELSEWHERE);

/** What other people do. */
export const OTHER_PEOPLE: readonly Experiment[] = [
  {
    id: "superseded",
    group: "others",
    label: () => "Bob changes during a slow query",
    hint: () =>
      "The race that clients get wrong. From the change on, the bar is hatched: its answer may be older. The next caller gets a new query, and the late answer replaces nothing.",
    run: (_, { lookUp }) =>
      concat(
        control("slow-next-query", { answer_after: 3_600, change_user_id: BOB, change_after: 1_400 }).pipe(
          ignoreElements(),
        ),
        lookUp([BOB], { forceDownload: true }),
      ),
  },
  {
    id: "add-device",
    group: "others",
    label: () => "Bob signs in on a new device",
    hint: () =>
      "A marble, a thread down to Bob, and one query for him alone. Other tabs find the answer in the store: a tick.",
    run: () => control("add-device", { user_id: BOB }),
  },
  {
    id: "sign-devices",
    group: "others",
    label: () => "Bob signs his new device",
    hint: ({ world }) =>
      world.unsigned.includes(BOB)
        ? "Until he does, only the device itself says that it is his: a dash on its shield."
        : "Nothing to sign: let him sign in on a new device first.",
    run: ({ world }) => (world.unsigned.includes(BOB) ? control("sign-devices", { user_id: BOB }) : EMPTY),
  },
  {
    id: "remove-device",
    group: "others",
    label: () => "Bob logs a device out",
    hint: () => "The reverse: the device gets no more messages.",
    run: () => control("remove-device", { user_id: BOB }),
  },
  {
    id: "leave",
    group: "others",
    label: (stage) => (isIn(stage) ? "Carol leaves the room" : "Carol comes back"),
    hint: (stage) =>
      isIn(stage)
        ? "Her lane becomes dotted: the server no longer announces her changes, so her list is not cached."
        : "The server announces her, so she is tracked and looked up again.",
    run: (stage) => control(isIn(stage) ? "leave" : "join", { user_id: CAROL }),
  },
  {
    id: "server",
    group: "others",
    label: (stage) => (isDown(stage) ? "Dave’s server comes back" : "Dave’s server goes down"),
    hint: (stage) =>
      isDown(stage)
        ? "Dave is announced again. His server failed a moment ago, so the lookup returns at once, and a query in the background finds one more device."
        : "Just after he signed in on a new device. The change is announced, but his server does not answer the query: he is unreachable, and the last known list stays.",
    run: (stage) =>
      isDown(stage)
        ? control("server-up", { server: ELSEWHERE })
        : control("server-down", { server: ELSEWHERE, change_user_id: DAVE }),
  },
];
