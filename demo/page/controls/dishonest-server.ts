import { control } from "../session/embedded-homeserver.js";
import type { Experiment, Stage } from "./experiment.js";
import { BOB, CAROL } from "./users.js";

/** What a dishonest server does. */
export const DISHONEST_SERVER: readonly Experiment[] = [
  trick(
    "swap-key",
    [
      "Swap the keys of a device of Bob’s",
      "Same ID, other keys, signed only by themselves. Refused: nothing proves that Bob made the change. The device is kept as it was, and gets no messages.",
    ],
    ["Return Bob’s true keys again", "Then nothing is refused any more."],
  ),
  {
    id: "rekey-device",
    group: "tricks",
    label: () => "Bob changes the keys himself",
    hint: () =>
      "For comparison: the same ID and other keys again, but his identity has signed them, which no server can forge. Accepted, and the former keys are not accepted any more.",
    run: () => control("rekey-device", { user_id: BOB }),
  },
  trick(
    "forge-signature",
    [
      "Forge a signature",
      "A new device of Bob’s, signed with a key that is not its own. It is refused; his other devices are not affected.",
    ],
    ["Take the forged device back", "Then nothing is refused any more."],
  ),
  trick(
    "unsigned-device",
    ["Slip in a device without a signature", "Listed by default, with an empty shield. It gets no messages."],
    ["Take the unsigned device back", "Then it is no longer in the list."],
  ),
  trick(
    "claim-key",
    [
      "Let Bob claim a key of Carol’s",
      "A device of his claims her key. The claim cannot be disproved, so a message from that key cannot be attributed to either.",
    ],
    ["Drop the claim", "Then only Carol claims the key."],
  ),
  {
    id: "reset-identity",
    group: "tricks",
    label: () => "Reset Carol’s identity",
    hint: () =>
      "By her, or by someone who took over her account: both look the same. The change is marked until you acknowledge it on her card. If she was verified, she gets no messages until you go on without that.",
    run: () => control("reset-identity", { user_id: CAROL }),
  },
  trick(
    "own-identity",
    [
      "Swap our own identity",
      "Reported under “Problems”, too. No user counts as verified while our own identity is in doubt.",
    ],
    ["Return our own identity again", "What it signed is verified again."],
  ),
];

/** A lie of the server, and taking it back. */
function trick(
  id: string,
  play: readonly [label: string, hint: string],
  takeBack: readonly [label: string, hint: string],
): Experiment {
  const isPlayed = ({ world }: Stage) => world.tricks.includes(id);
  return {
    id,
    group: "tricks",
    label: (stage) => (isPlayed(stage) ? takeBack : play)[0],
    hint: (stage) => (isPlayed(stage) ? takeBack : play)[1],
    run: (stage) => control(isPlayed(stage) ? "take-back-trick" : "play-trick", { trick: id }),
  };
}
