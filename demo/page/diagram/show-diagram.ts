import {
  animationFrames,
  combineLatest,
  distinctUntilChanged,
  EMPTY,
  fromEvent,
  Observable,
  Subscription,
  switchMap,
  takeWhile,
  tap,
} from "rxjs";
import { mediaMatches } from "../dom/media-matches.js";
import type { Recorder } from "../events/recorder.js";
import { draw, type Drawing } from "./draw.js";
import { geometryFor, type Geometry } from "./geometry.js";
import { hideCutLabels } from "./hide-cut-labels.js";
import { drawLabels } from "./labels.js";
import type { Timeline } from "./timeline.js";

export interface DiagramElements {
  readonly labels: HTMLElement;
  readonly scroller: HTMLElement;
  readonly paper: SVGSVGElement;
  readonly backToNow: HTMLButtonElement;
}

/** Within this distance of the end, in px, the diagram scrolls along. */
const AT_THE_END = 48;

/** Shows the timeline. It flows while something is in flight; with reduced motion, it moves only with each event. */
export function showDiagram(
  timeline$: Observable<Timeline>,
  recorder: Recorder,
  { labels, scroller, paper, backToNow }: DiagramElements,
): Subscription {
  let following = true;
  const follow = (on: boolean) => {
    following = on;
    backToNow.hidden = on;
  };
  follow(true);

  const moveTo = (drawing: Drawing, geometry: Geometry, origin: number) => {
    const now = recorder.now();
    drawing.moveTo(now);
    const width = Math.max(
      Math.ceil(geometry.before + ((now - origin) / 1_000) * geometry.pxPerSecond + geometry.after),
      scroller.clientWidth,
    );
    paper.setAttribute("width", String(width));
    if (following) scroller.scrollLeft = width - scroller.clientWidth;
    hideCutLabels(scroller, paper);
  };

  const drawn$ = combineLatest([
    timeline$,
    widthOf(scroller).pipe(distinctUntilChanged()),
    mediaMatches("(max-height: 719px)"), // as in layout.css
    mediaMatches("(prefers-reduced-motion: reduce)"),
  ]).pipe(
    switchMap(([timeline, width, isLow, stepping]) => {
      const geometry = geometryFor(width, isLow);
      const drawing = draw(timeline, geometry);
      paper.setAttribute("height", String(drawing.height));
      paper.replaceChildren(...drawing.nodes);
      labels.replaceChildren(...drawLabels(timeline, geometry));
      const moments$: Observable<unknown> = stepping
        ? EMPTY
        : animationFrames().pipe(takeWhile(() => !recorder.resting(), true));
      moveTo(drawing, geometry, timeline.origin);
      return moments$.pipe(tap(() => moveTo(drawing, geometry, timeline.origin)));
    }),
  );

  const shown = new Subscription();
  shown.add(drawn$.subscribe());
  shown.add(
    fromEvent(scroller, "scroll").subscribe(() => {
      hideCutLabels(scroller, paper);
      follow(scroller.scrollLeft + scroller.clientWidth >= scroller.scrollWidth - AT_THE_END);
    }),
  );
  shown.add(
    fromEvent(backToNow, "click").subscribe(() => {
      scroller.scrollLeft = scroller.scrollWidth;
      scroller.focus(); // the button is about to disappear
    }),
  );
  return shown;
}

function widthOf(target: Element): Observable<number> {
  return new Observable<number>((subscriber) => {
    const observer = new ResizeObserver(() => subscriber.next(target.clientWidth));
    observer.observe(target);
    return () => observer.disconnect();
  });
}
