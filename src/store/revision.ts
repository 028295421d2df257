/**
 * The revision of a step of changes. It is known by identity from the moment the step is applied in memory; its number is allotted by the
 * transaction that commits the step. A query keeps the revision that its user had when it was sent: another one later means that it is superseded.
 */
export class Revision {
  constructor(
    /** The number that the store gave it; `undefined` until its step is committed. */
    public committed?: number,
  ) {}
}
