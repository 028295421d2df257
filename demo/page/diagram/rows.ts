/** The first row that no span takes at this moment. */
export function freeRow(spans: readonly { readonly row: number; readonly to?: number }[], at: number): number {
  const taken = new Set(spans.filter(({ to }) => to === undefined || to > at).map(({ row }) => row));
  let row = 0;
  while (taken.has(row)) row++;
  return row;
}
