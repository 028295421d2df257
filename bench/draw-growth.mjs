// Draws times by the number of tracked users, both axes logarithmic. No colours of its own but two, which show on light and dark pages.
const [WIDTH, HEIGHT] = [720, 330];
const AREA = { left: 64, right: 560, top: 34, bottom: 280 };
const COLOURS = { ours: "#0b8f80", peer: "#c2601a" };
const LABELS = { ours: "this package", peer: "matrix-sdk-crypto-wasm" };
const DASHES = ["", "5 4"];

/**
 * @param {{ tracked: readonly number[], series: readonly { name: string, ours: readonly number[], peer: readonly number[] }[] }} growth
 *   times in ms
 */
export function drawGrowth({ tracked, series }) {
  const times = series.flatMap(({ ours, peer }) => [...ours, ...peer]);
  const [least, most] = [Math.floor(Math.log10(Math.min(...times))), Math.ceil(Math.log10(Math.max(...times)))];
  const [first, last] = [Math.log10(tracked[0]), Math.log10(tracked.at(-1))];
  const x = (users) => AREA.left + ((Math.log10(users) - first) / (last - first)) * (AREA.right - AREA.left);
  const y = (ms) => AREA.bottom - ((Math.log10(ms) - least) / (most - least)) * (AREA.bottom - AREA.top);
  const decades = Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i));
  const text = (at, content, attributes = "") =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${attributes}>${content}</text>`;
  const grid = [
    ...decades.flatMap((ms) => [
      `<path class="grid" d="M${AREA.left} ${y(ms).toFixed(1)}H${AREA.right}"/>`,
      text([AREA.left - 8, y(ms) + 4], timeOf(ms), 'text-anchor="end"'),
    ]),
    ...tracked.map((users) => text([x(users), AREA.bottom + 20], users.toLocaleString("en"), 'text-anchor="middle"')),
  ];
  const lines = series.flatMap(({ name, ...sides }, i) =>
    ["peer", "ours"].flatMap((side) => {
      const points = sides[side].map((ms, j) => [x(tracked[j]), y(ms)]);
      const path = points.map((point) => point.map((value) => value.toFixed(1)).join(" ")).join("L");
      return [
        `<path d="M${path}" fill="none" stroke="${COLOURS[side]}" stroke-width="2.5" stroke-dasharray="${DASHES[i]}"/>`,
        ...points.map(
          ([cx, cy]) => `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3.5" fill="${COLOURS[side]}"/>`,
        ),
        text([AREA.right + 10, points.at(-1)[1] + 4], name, `fill="${COLOURS[side]}"`),
      ];
    }),
  );
  const legend = ["ours", "peer"].map((side, i) =>
    text([AREA.left + 150 * i, 16], LABELS[side], `fill="${COLOURS[side]}" font-weight="600"`),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Time of a step and of a lookup by the number of tracked users">
<style>text{font:13px system-ui,sans-serif}text:not([fill]){fill:#7a828c}.grid{stroke:#7a828c;stroke-opacity:.25}</style>
${[...grid, ...lines, ...legend].join("\n")}
${text([(AREA.left + AREA.right) / 2, HEIGHT - 8], "tracked users", 'text-anchor="middle"')}
</svg>
`;
}

const timeOf = (ms) => (ms >= 1 ? `${ms} ms` : `${Math.round(ms * 1_000)} µs`);
