import type { Geometry } from "./geometry.js";

/** What drawing needs to know besides what it draws. */
export interface Sheet {
  readonly geometry: Geometry;
  /** Where a moment is, in px. */
  readonly x: (at: number) => number;
  /** Calls back now and whenever the time has moved on: for what reaches up to now. */
  readonly whileNow: (move: (nowX: number) => void) => void;
}
