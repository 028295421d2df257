import type { CommandName } from "./parse-command.js";

const ACCOUNT = `Environment:
  MATRIX_HOMESERVER     such as https://matrix.example.org; by default, where the
                        server of MATRIX_USER_ID says it is (.well-known)
  MATRIX_USER_ID        such as @alice:example.org
  MATRIX_PASSWORD       by default, you are asked for it
  MATRIX_ACCESS_TOKEN   in place of a password
  MATRIX_DEVICE_ID      the device that the token must be of; optional
  NO_COLOR              no colours

With a password, it logs in as a new device, and logs out at the end. A token must be
that of a device without encryption keys: syncing as the device of another client would
delete its messages. It never uploads keys, and reads no messages.`;

const OPTIONS = `Options:
  --json          one JSON object per line, for other programs
  --store DIR     keep device lists and pinned keys in this directory, so that the
                  next run notices what has changed (needs classic-level)
  -h, --help      this text, or that of a command
  -V, --version   the version`;

const EXIT_CODES = `Exit codes:
  0    done
  1    failed; stderr says why
  2    wrong usage, or an environment variable is missing
  130  stopped by Ctrl-C (143 by SIGTERM, 129 by SIGHUP), after logging out`;

const GENERAL = `Usage: matrix-device-tracker COMMAND [OPTION…] [ARGUMENT…]

Shows the devices of Matrix users: who has which, who would get an encrypted message,
and what changes.

Commands:
  watch [USER…]   print each change of device lists, live
  devices USER…   the devices of users, and how they are signed
  room ROOM       which devices would get a message in a room, which not, and why
  whois KEY       whose device has this public key

${OPTIONS}

${ACCOUNT}

${EXIT_CODES}

Examples:
  export MATRIX_USER_ID=@alice:example.org
  matrix-device-tracker devices @bob:example.org
  matrix-device-tracker room '!kitchen:example.org'
  matrix-device-tracker watch --json | jq 'select(.type == "added")'`;

const COMMANDS: Readonly<Record<CommandName, string>> = {
  watch: `Usage: matrix-device-tracker watch [OPTION…] [USER…]

Prints each change of the device lists of these users; by default, of all members of
your encrypted rooms. It ends with Ctrl-C, or when the server ends the session.

Servers announce only changes of users who share a room with you.

With --json, each line has "at" (the time), "userId" and "type":
  added, renamed, cross-signed, rekeyed, changed
                  with the device: deviceId, displayName, ed25519, curve25519,
                  signedByItself, crossSigned, dehydrated
  removed         with deviceId
  refused         a device that is not what it should be: deviceId, code, detail
  identity        the user's cross-signing identity is another one: identity
  left            the user shares no room with you any more

${OPTIONS}`,
  devices: `Usage: matrix-device-tracker devices [OPTION…] USER…

Prints the devices of users, as their servers list them now, with the ed25519 key of
each and whether the user's identity has signed it. With --json, one object per user:
userId, isReachable, identity, devices, rejected.

The exit code is 1 if a user's server cannot be reached.

${OPTIONS}`,
  room: `Usage: matrix-device-tracker room [OPTION…] ROOM

Prints which devices would get a message that you sent in an encrypted room now, and
which would not, and why. Only devices that their owner's identity has signed get
messages. ROOM is an ID (!…) or an alias (#…) of a room that you are in; quote it.

With --json, one object: roomId, encryption, historyVisibility, joined, invited,
devices, leftOut (with the reason and the m.room_key.withheld code), uncertain,
unlisted.

${OPTIONS}`,
  whois: `Usage: matrix-device-tracker whois [OPTION…] KEY

Prints whose device has a public key: the curve25519 or ed25519 key of a device, in
base64, as clients show it. It searches all members of your encrypted rooms. Only
devices that have signed the key themselves count.

The exit code is 1 if no device has it, or more than one.

${OPTIONS}`,
};

export const helpFor = (command: CommandName | undefined): string =>
  command === undefined ? GENERAL : COMMANDS[command];
