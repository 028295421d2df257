/** Hides the texts that an edge of the scroller would cut off. */
export function hideCutLabels(scroller: Element, paper: SVGSVGElement): void {
  const { left, right } = scroller.getBoundingClientRect();
  const texts = Array.from(paper.querySelectorAll("text"), (text) => ({ text, box: text.getBoundingClientRect() }));
  for (const { text, box } of texts) {
    const crosses = (edge: number) => box.left < edge && edge < box.right;
    text.classList.toggle("cut", crosses(left) || crosses(right));
  }
}
