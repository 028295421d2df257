/**
 * What a person can decide about an identity: that a changed one is their acquaintance's (`acknowledged`), that their own
 * one is theirs (`confirmed`), or that they go on without having verified a user whom they had verified (`withdrawn`).
 */
export type Decision = "acknowledged" | "confirmed" | "withdrawn";
