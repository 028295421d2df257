/**
 * For each class of differences, the number of a history with an example. The numbers change with the tamperings; a
 * long run prints the first history of each class.
 */
export const EXAMPLES: Readonly<Record<string, number>> = {
  "unreadable-part": 50007,
  "failed-server": 50021,
  "field-twice": 50053,
  "half-character": 50062,
  type: 50021,
  number: 50002,
  "weak-key": 50033,
  limit: 50224,
  spelling: 50248,
  "unsigned-device": 50003,
  "shared-curve25519-key": 50028,
  "cross-signing-id": 50031,
  "key-changed": 129,
  "several-keys": 50020,
  "key-id": 50001,
  usage: 50049,
  "incomplete-identity": 50024,
  "identity-kept": 50002,
  "follows-from-identity": 50002,
  "user-left-out": 50036,
  "device-kept": 391,
  "device-kept-by-us": 51013,
};
