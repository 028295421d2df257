import type { Geometry } from "./geometry.js";

/** What drawing needs besides the timeline. */
export interface Sheet {
  readonly geometry: Geometry;
  /** The position of a moment, in px. */
  readonly x: (at: number) => number;
  /** Calls back now and whenever time has moved on, for shapes that extend up to now. */
  readonly whileNow: (move: (nowX: number) => void) => void;
}
