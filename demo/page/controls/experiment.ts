import type { Observable, Subject } from "rxjs";
import type { WorldState } from "../session/embedded-homeserver.js";
import type { Session } from "../session/open-session.js";

/** What the buttons depend on. */
export interface Stage {
  readonly world: WorldState;
  /** Whether the slow lookup is in flight. */
  readonly slow: boolean;
}

/** One button: what it does, and what to look out for. */
export interface Experiment {
  readonly id: string;
  readonly group: "others" | "tricks" | "us";
  /** Whether it also works with a homeserver that does not obey the page. */
  readonly anywhere?: true;
  label(stage: Stage): string;
  hint(stage: Stage): string;
  run(stage: Stage, session: Session, slow: SlowCall): Observable<unknown>;
}

/** The slow lookup, shared by the two states of its button. */
export interface SlowCall {
  readonly running$: Subject<boolean>;
  readonly giveUp$: Subject<void>;
}
