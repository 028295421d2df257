// Formats results.
const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(2));

export const milliseconds = ({ median }) => (median >= 1 ? `${digits(median)} ms` : `${digits(median * 1_000)} µs`);
/** Browsers report only tasks over 50 ms. */
export const task = (ms) => (ms === 0 ? "none over 50" : String(Math.round(ms)));
export const bytes = (count) => (count >= 1e6 ? `${digits(count / 1e6)} MB` : `${digits(count / 1e3)} kB`);
/** A ratio that was measured in every round: its median and quartiles. */
export const ratio = ({ median, low, high }) => `**×${digits(median)}** (${digits(low)}–${digits(high)})`;
/** A ratio of two numbers. */
export const ratioOf = (peer, ours) => `**×${digits(peer / ours)}**`;

export const heading = (text) => console.log(`\n### ${text}\n`);

/** @param {readonly (readonly string[])[]} rows the first one names the columns */
export function table([columns, ...rows]) {
  for (const row of [columns, columns.map(() => "---"), ...rows]) console.log(`| ${row.join(" | ")} |`);
}
