/**
 * For each class of differences, the number of a history with an example. The numbers change with the tamperings; a
 * long run prints the first history of each class.
 */
export const EXAMPLES: Readonly<Record<string, number>> = {
  "unreadable-part": 600023,
  "failed-server": 600505,
  "field-twice": 600026,
  "half-character": 600286,
  type: 600003,
  number: 600031,
  "no-point": 600255,
  "weak-curve25519-key": 600957,
  "weak-key": 600201,
  limit: 600032,
  spelling: 600080,
  "unsigned-device": 600001,
  "shared-curve25519-key": 600042,
  "cross-signing-id": 600008,
  rekeyed: 600003,
  "device-kept": 600035,
  "retired-key": 600171,
  "key-changed": 600016,
  "several-keys": 600167,
  "key-id": 600149,
  usage: 600047,
  "incomplete-identity": 600000,
  "identity-kept": 600003,
  "follows-from-identity": 600003,
  "user-left-out": 600048,
  "device-kept-by-us": 600035,
};
