import {
  animationFrames,
  combineLatest,
  fromEvent,
  map,
  merge,
  Observable,
  of,
  startWith,
  Subscription,
  switchMap,
  takeWhile,
  tap,
  distinctUntilChanged,
} from "rxjs";
import type { Recorder } from "../events/recorder.js";
import { draw, type Drawing } from "./draw.js";
import { geometryFor, type Geometry } from "./geometry.js";
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
  };

  const drawn$ = combineLatest([
    timeline$,
    widthOf(scroller).pipe(map(geometryFor), distinctUntilChanged()),
    prefersReducedMotion(),
  ]).pipe(
    switchMap(([timeline, geometry, stepping]) => {
      const drawing = draw(timeline, geometry);
      paper.setAttribute("height", String(drawing.height));
      paper.replaceChildren(...drawing.nodes);
      labels.replaceChildren(...drawLabels(timeline, geometry));
      const moments$: Observable<unknown> = stepping
        ? of(0)
        : animationFrames().pipe(
            startWith(0),
            takeWhile(() => !recorder.resting(), true),
          );
      return moments$.pipe(tap(() => moveTo(drawing, geometry, timeline.origin)));
    }),
  );

  const shown = new Subscription();
  shown.add(drawn$.subscribe());
  shown.add(
    fromEvent(scroller, "scroll").subscribe(() =>
      follow(scroller.scrollLeft + scroller.clientWidth >= scroller.scrollWidth - AT_THE_END),
    ),
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

function prefersReducedMotion(): Observable<boolean> {
  const query = matchMedia("(prefers-reduced-motion: reduce)");
  return merge(of(0), fromEvent(query, "change")).pipe(map(() => query.matches));
}
