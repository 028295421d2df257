/** The diagram's measures, in px. The labels beside it use the same heights. */
export interface Geometry {
  readonly pxPerSecond: number;
  readonly syncHeight: number;
  readonly callsHeight: number;
  readonly laneHeight: number;
  readonly barHeight: number;
  /** Between rows of one lane. */
  readonly rowGap: number;
  /** Room for labels before the first moment and after the last. */
  readonly before: number;
  readonly after: number;
}

const WIDE: Geometry = {
  pxPerSecond: 84,
  syncHeight: 60,
  callsHeight: 72,
  laneHeight: 58,
  barHeight: 13,
  rowGap: 22,
  before: 28,
  after: 150,
};
/** For a low screen, on which the diagram stays in view, too. */
const LOW: Geometry = { ...WIDE, syncHeight: 56, callsHeight: 62, laneHeight: 46, barHeight: 11, rowGap: 18 };
const NARROW: Geometry = {
  pxPerSecond: 46,
  syncHeight: 58,
  callsHeight: 62,
  laneHeight: 50,
  barHeight: 11,
  rowGap: 18,
  before: 24,
  after: 80,
};

/** Narrower than this, in px, the diagram is drawn smaller. */
const NARROW_BELOW = 620;

export function geometryFor(width: number, isLow: boolean): Geometry {
  if (width < NARROW_BELOW) return NARROW;
  return isLow ? LOW : WIDE;
}

/** Later rows share the third: the lane has no more room. */
const ROWS = 3;
export const rowOffset = (geometry: Geometry, row: number): number => Math.min(row, ROWS - 1) * geometry.rowGap;
