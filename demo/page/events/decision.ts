/**
 * What a person can decide: to acknowledge a changed identity, to confirm our own, or to go on without verification of a
 * user who was verified once (`withdrawn`).
 */
export type Decision = "acknowledged" | "confirmed" | "withdrawn";
