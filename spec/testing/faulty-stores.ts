import {
  catchError,
  concatMap,
  delay,
  endWith,
  filter,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  ReplaySubject,
  shareReplay,
  startWith,
  Subject,
  takeUntil,
  tap,
  type Observable,
} from "rxjs";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";
import { SYNC } from "../../src/store/records.js";
import { memoryStore } from "../../src/store/memory-store.js";

type Keys = readonly RecordKey[];
type Change = (saved: readonly unknown[]) => Update<unknown>;

/** What a store does instead of keeping its promises. `isFirst`: it is the first store on its data. */
export type Fault = (store: DeviceStore, isFirst: boolean) => Partial<DeviceStore>;

const updates =
  (run: (store: DeviceStore, keys: Keys, change: Change) => Observable<unknown>): Fault =>
  (store) => ({ update: <T>(keys: Keys, change: Change) => run(store, keys, change) as Observable<T> });

const writes = (edit: (update: Update<unknown>) => Partial<Update<unknown>>): Fault =>
  updates((store, keys, change) =>
    store.update(keys, (saved) => {
      const update = change(saved);
      return { ...update, ...edit(update) };
    }),
  );

const reads =
  (edit: (records: readonly unknown[]) => readonly unknown[]): Fault =>
  (store) => ({ read: (keys) => store.read(keys).pipe(map(edit)) });

const commits =
  (edit: (all$: Observable<unknown>, isFirst: boolean) => Observable<unknown>): Fault =>
  (store, isFirst) => ({ commits$: edit(store.commits$, isFirst) });

/** Announces by itself, on all stores of the same data. */
const announces = (
  run: (
    update: Update<unknown>,
    write: () => Observable<unknown>,
    announce: (announcement: unknown) => void,
  ) => Observable<unknown>,
): Fault => {
  const subjects = new WeakMap<Observable<unknown>, Subject<unknown>>();
  return (store, isFirst) => {
    const announced$ = subjects.get(store.commits$) ?? new Subject<unknown>();
    subjects.set(store.commits$, announced$);
    return {
      commits$: announced$,
      ...updates((_, keys, change) =>
        store.read(keys).pipe(
          map(change),
          concatMap((update) =>
            run(
              update,
              () => store.update([], () => ({ ...update, announce: undefined })),
              (announcement) => {
                if (announcement !== undefined) announced$.next(announcement);
              },
            ),
          ),
        ),
      )(store, isFirst),
    };
  };
};

/** What is wrong with the store, and the title of a test that must fail. */
export const FAULTS: readonly (readonly [what: string, title: string, Fault])[] = [
  [
    "returns records in another order",
    "read() returns the records in the order of the keys",
    reads((records) => [...records].reverse()),
  ],
  [
    "leaves out missing records",
    "read() returns the records in the order of the keys",
    reads((records) => records.filter((record) => record !== undefined)),
  ],
  [
    "ignores kinds",
    "kinds are kept apart",
    (store) => ({ read: (keys) => store.read(keys.map(([, id]) => ["list", id])) }),
  ],
  [
    "returns kinds in another order",
    "readKinds() returns all records of each kind, in the order of the kinds",
    (store) => ({ readKinds: (kinds) => store.readKinds([...kinds].reverse()) }),
  ],
  [
    "writes record by record",
    "a read sees all records of an update or none",
    updates((store, keys, change) =>
      store
        .update(keys, (saved) => ({ puts: [], deletes: [], result: change(saved) }))
        .pipe(
          concatMap(({ puts, deletes, result }) =>
            of(...puts).pipe(
              concatMap((put) => store.update([], () => ({ puts: [put], deletes, result })).pipe(delay(0))),
              filter((_, i) => i === puts.length - 1),
            ),
          ),
        ),
    ),
  ],
  [
    "has data of its own",
    "other stores on the same data read what was written",
    (_, isFirst) => (isFirst ? {} : memoryStore()),
  ],
  [
    "does not wait for a subscriber",
    "operations run at each subscription, and not before",
    updates((store, keys, change) => {
      const result$ = new ReplaySubject(100);
      store.update(keys, change).subscribe(result$);
      return result$;
    }),
  ],
  [
    "runs an operation once",
    "operations run at each subscription, and not before",
    updates((store, keys, change) => store.update(keys, change).pipe(shareReplay({ bufferSize: 1, refCount: false }))),
  ],
  [
    "normalizes IDs",
    "similar IDs are different IDs",
    (store) => ({ read: (keys) => store.read(keys.map(([kind, id]) => [kind, id.normalize()])) }),
  ],
  [
    "stores JSON",
    "Maps, Sets, bytes, undefined, arrays and primitives are kept as they are",
    writes(({ puts }) => ({ puts: puts.map(([key, record]) => [key, JSON.parse(JSON.stringify(record))]) })),
  ],
  [
    "assigns properties",
    "properties such as __proto__ are kept, and pollute nothing",
    reads((records) => records.map((record) => Object.assign({}, record))),
  ],
  [
    "emits two results",
    "an update replaces and deletes records",
    updates((store, keys, change) => store.update(keys, change).pipe(endWith(undefined))),
  ],
  [
    "writes after it has emitted",
    "an update is visible to readers once it has emitted",
    updates((store, keys, change) => {
      const writing$ = store.update(keys, change).pipe(delay(0));
      return merge(of(undefined), writing$.pipe(filter(() => false)));
    }),
  ],
  ["deletes nothing", "an update replaces and deletes records", writes(() => ({ deletes: [] }))],
  [
    "deletes a range",
    "records between those that are deleted are kept",
    writes(({ deletes }) =>
      deletes.length < 2 ? {} : { deletes: Array.from({ length: 200 }, (_, i) => ["log", String(i)]) },
    ),
  ],
  [
    "deletes what it has put",
    "a record that is both put and deleted is put",
    writes(({ puts, deletes }) => ({
      puts: puts.filter(([[, id]]) => !deletes.some(([, deleted]) => deleted === id)),
    })),
  ],
  [
    "keeps the first of two records",
    "the last of two records for one key is kept",
    writes(({ puts }) => ({ puts: [...puts].reverse() })),
  ],
  [
    "swallows errors",
    "an update whose function throws fails with that error and writes nothing",
    updates((store, keys, change) => store.update(keys, change).pipe(catchError(() => of(undefined)))),
  ],
  [
    "replaces errors",
    "an update whose function throws fails with that error and writes nothing",
    updates((store, keys, change) =>
      store.update(keys, change).pipe(
        catchError(() => {
          throw new Error("failed");
        }),
      ),
    ),
  ],
  [
    "does not isolate updates",
    "a hundred updates at once run one after the other, in order",
    updates((store, keys, change) =>
      store.read(keys).pipe(
        delay(0),
        concatMap((saved) => store.update([], () => change(saved))),
      ),
    ),
  ],
  ["clears nothing", "clear() deletes everything", () => ({ clear: () => of(undefined) })],
  ["announces nothing", "commits$ emits what updates announce", commits(() => NEVER)],
  [
    "announces truthy values only",
    "commits$ emits what updates announce",
    commits((all$) => all$.pipe(filter(Boolean))),
  ],
  [
    "announces to its own subscribers only",
    "commits$ of other stores on the same data emits the same",
    commits((all$, isFirst) => (isFirst ? all$ : NEVER)),
  ],
  [
    "announces twice",
    "each subscriber of commits$ receives each announcement once",
    commits((all$) => all$.pipe(mergeMap((announcement) => [announcement, announcement]))),
  ],
  [
    "announces in another order",
    "commits$ emits in the order of the updates",
    commits((all$) => all$.pipe(mergeMap((announcement, i) => of(announcement).pipe(delay(i % 2 === 0 ? 2 : 0))))),
  ],
  [
    "announces before it has written",
    "an announcement is emitted after the records have changed",
    announces((update, write, announce) => {
      announce(update.announce);
      return write();
    }),
  ],
  [
    "announces after the result",
    "an announcement is emitted before the result of its update",
    commits((all$) => all$.pipe(delay(0))),
  ],
  [
    "announces within announcements",
    "an update made from within an announcement is announced after it",
    announces((update, write, announce) => write().pipe(tap(() => announce(update.announce)))),
  ],
  [
    "announces updates without an announcement",
    "an update that announces nothing emits nothing on commits$",
    writes(({ announce = "something" }) => ({ announce })),
  ],
  [
    "announces what failed",
    "an update whose function throws announces nothing, and ends no commits$",
    (store) => {
      const failed$ = new Subject<unknown>();
      return {
        commits$: merge(store.commits$, failed$),
        ...updates((_, keys, change) =>
          store.update(keys, change).pipe(tap({ error: (error: unknown) => failed$.next(error) })),
        )(store, true),
      };
    },
  ],
  [
    "ends commits$ with clear()",
    "clear() ends no commits$",
    (store) => {
      const cleared$ = new Subject<void>();
      return {
        commits$: store.commits$.pipe(takeUntil(cleared$)),
        clear: () => store.clear().pipe(tap(() => cleared$.next())),
      };
    },
  ],
  [
    "invents announcements",
    "an update that announces nothing emits nothing on commits$",
    commits((all$) => all$.pipe(startWith(undefined))),
  ],
  [
    "repeats announcements",
    "commits$ does not repeat earlier announcements",
    (store) => {
      const all$ = new ReplaySubject(100);
      store.commits$.subscribe(all$);
      return { commits$: all$ };
    },
  ],
  [
    "announces to waiting callers only",
    "an update unsubscribed early is announced if it took effect, and only then",
    announces((update, write, announce) =>
      write().pipe(
        delay(0),
        tap(() => announce(update.announce)),
      ),
    ),
  ],
  [
    "writes only the first record",
    "an update unsubscribed early emits nothing, and took effect fully or not at all",
    updates((store, keys, change) =>
      store.update(keys, (saved) => ({ ...change(saved), deletes: [], puts: change(saved).puts.slice(0, 1) })),
    ),
  ],
  [
    "reads the token once",
    "syncToken$ is read at each subscription",
    (store) => ({ syncToken$: store.syncToken$.pipe(shareReplay({ bufferSize: 1, refCount: false })) }),
  ],
  [
    "trusts the token",
    "syncToken$ is undefined if its record is damaged",
    (store) => ({
      syncToken$: store.read([SYNC]).pipe(map(([sync]) => (sync as { token: string } | undefined)?.token)),
    }),
  ],
];
