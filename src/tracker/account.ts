import { ignoreElements, map, tap, type Observable } from "rxjs";
import { acknowledgeIdentity } from "../lists/acknowledge-identity.js";
import { compactIndex } from "../lists/compact-index.js";
import { editBeforeCommit, editToCommit, editUser } from "../lists/edit-user.js";
import { acknowledgingNoIdentity, withdrawingVerification, type UserEdit } from "../lists/user-edits.js";
import { knownUsers } from "../lists/known-users.js";
import { pinsIn } from "../lists/list-record.js";
import { StoreClearedError } from "../model/errors.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { SyncResponse } from "../model/wire.js";
import { changesToAdopt } from "../store/adopt.js";
import { Chain } from "../store/chain.js";
import { editedIn, type Change, type Commit, type ExtensionEvents, type SyncStep } from "../store/change.js";
import { keepFirst, type Edit } from "../store/clone.js";
import type { Outcome } from "../store/rebase.js";
import type { DeviceStore } from "../store/device-store.js";
import type { SavedAccount } from "../store/load.js";
import type { ReplaceableStore } from "../store/replaceable-store.js";
import { effectsSince, type Before } from "../store/tracked-users.js";
import { PassedTokens } from "../sync/passed-tokens.js";
import { Tracking } from "../sync/tracking.js";
import { makePins, NO_PINS, type Pins } from "../trust/pins.js";
import { trustChain, type KnownUser, type TrustChain } from "../trust/trust-chain.js";
import { adoptionProblems, loadProblems, trackProblems } from "./account-problems.js";
import { announcedChanges, stepsIn } from "./announced-changes.js";
import { Calls } from "./calls.js";
import type { Connection } from "./connection.js";
import { Doubt } from "./doubt.js";
import type { Extensions } from "./extensions.js";
import { FollowedResponses } from "./followed-responses.js";
import { Gate } from "./gate.js";
import { listsOf, type AccountSettings, type ListParts } from "./lists-of.js";
import type { Outputs } from "./outputs.js";
import { Siblings } from "./siblings.js";
import { Steps } from "./steps.js";

export interface AccountSurroundings {
  readonly outputs: Outputs;
  readonly extensions: Extensions;
  /** Unique for each tracker. */
  readonly name: string;
  /** The gate outlives a failed load, so that changes made before the account is loaded can wait in it. */
  readonly gate: Gate;
  readonly connection: () => Connection | undefined;
  readonly closed$: Observable<unknown>;
  readonly storeCleared: (error: StoreClearedError) => void;
}

const NOTHING_KNOWN: KnownUser = { list: undefined, pins: NO_PINS };
/** Stands for commits that are not known individually: any user may have left in them. */
const UNKNOWN_COMMITS: Commit = { number: 0, change: { type: "step", changed: [], left: [], everyone: "untracked" } };

/**
 * A loaded account. Keeps everything that depends on the tracked users in step with them, whether they are changed by a
 * response ({@link Steps}), a call, or another tracker.
 */
export class Account {
  readonly chain: Chain;
  readonly tracking: Tracking;
  readonly parts: ListParts;
  readonly siblings: Siblings;
  readonly steps: Steps;
  readonly calls: Calls;
  readonly #store: ReplaceableStore;
  readonly #settings: AccountSettings;
  readonly #surroundings: AccountSurroundings;
  readonly #passed: PassedTokens;
  readonly #followedResponses = new FollowedResponses();
  readonly #doubt: Doubt;
  /** A person's decisions while memory stands in for the store. */
  readonly #editsToRepeat: { readonly userId: UserId; readonly edit: UserEdit }[] = [];

  constructor(
    account: SavedAccount,
    store: ReplaceableStore,
    settings: AccountSettings,
    surroundings: AccountSurroundings,
  ) {
    this.#store = store;
    this.#settings = settings;
    this.#surroundings = surroundings;
    const { outputs, extensions, name, closed$ } = surroundings;
    const { scheduler } = settings;
    this.chain = new Chain(account, { store, owner: account.owner, name, scheduler, extensions }, compactIndex, {
      followed: (before, commits, isSummary) => {
        this.#followed(before, commits, isSummary);
      },
      moved: (before) => {
        this.#changed(before);
      },
      heard: (news) => {
        this.siblings.hear(news, surroundings.connection());
      },
      reread: (read) => {
        this.calls.missed([UNKNOWN_COMMITS]);
        this.#passed.reread(read);
        this.#trackExtensions();
        this.parts.memory.checkOurKey(read.ourKey);
        outputs.reportAll(loadProblems(read));
      },
      tracksLost: (users) => {
        outputs.reportAll(trackProblems(users, this.chain.clone.token));
      },
      committed: (change) => {
        // Only committed steps count: a rebase may take a token back, and the stream's next response begins there.
        if (change.type === "step") this.#passed.follow(change);
      },
      commitFailed: (error, retryIn) => {
        outputs.responses.storeFails();
        const message =
          "changes could not be saved; lookups go on from memory, " + `and it is tried again in ${retryIn / 1000} s`;
        outputs.report({ type: "commit-failed", error, retryIn, message });
      },
      behind: (isBehind) => {
        this.#doubt.setBehind(isBehind);
      },
      unreadable: (error) => {
        const message = "the saved state could not be read again; until it can, nothing is called current";
        outputs.report({ type: "read-failed", userIds: [], error, message });
        this.#doubt.goOnInDoubt();
      },
      cleared: () => {
        surroundings.storeCleared(new StoreClearedError());
      },
      together: (action) => {
        outputs.emissions.batch(action);
      },
    });
    this.tracking = new Tracking(this.chain.clone.users);
    this.#passed = new PassedTokens(account);
    this.parts = listsOf(this.chain, this.tracking, store, settings, outputs, { ourKey: account.ourKey, closed$ });
    this.siblings = new Siblings(settings.userId, this.chain, this.tracking, this.parts, outputs);
    this.#doubt = new Doubt(surroundings.gate, this.tracking, outputs.emissions);
    this.steps = new Steps(settings, {
      chain: this.chain,
      tracking: this.tracking,
      passed: this.#passed,
      doubt: this.#doubt,
      siblings: this.siblings,
      extensions,
      outputs,
      commit: (change) => this.#commit(change),
    });
    this.calls = new Calls(settings, {
      chain: this.chain,
      tracking: this.tracking,
      doubt: this.#doubt,
      outputs,
      commit: (change) => this.#commit(change),
    });
    outputs.reportAll(loadProblems(account));
    extensions.restore(account.extensions, account.state.token);
    this.#trackExtensions();
    this.#confirmByOption();
  }

  hear(announcement: unknown): void {
    this.chain.hear(announcement);
  }

  /** Replaces the user's pinned master key, or pins that there is none. Completes when durable. */
  acknowledgeIdentity(userId: UserId, masterKey: string | undefined): Observable<never> {
    const acknowledged$ = this.#acknowledge(userId, masterKey, false);
    if (masterKey !== undefined) return acknowledged$;
    const edit = acknowledgingNoIdentity(this.#settings.scheduler.now());
    const complete = () => {
      this.#remember(userId, edit);
    };
    return acknowledged$.pipe(tap({ complete }));
  }

  /** Pins our own master key, whatever the server says. Completes when durable. */
  confirmOwnIdentity(masterKey: string): Observable<never> {
    return this.#acknowledge(this.#settings.userId, masterKey, true);
  }

  /**
   * Applies a person's decision about a user's devices at once, and makes the user outdated. Completes when durable.
   */
  editDevices(userId: UserId, edit: UserEdit): Observable<never> {
    this.#remember(userId, edit);
    return this.#commitEdit(userId, edit);
  }

  withdrawVerification(userId: UserId): Observable<never> {
    const edit = withdrawingVerification(this.parts.memory.ourKey);
    this.#remember(userId, edit);
    return editUser(userId, edit, this.chain, this.parts);
  }

  known(userId: UserId): Observable<KnownUser> {
    return this.#known([userId]).pipe(map(([user = NOTHING_KNOWN]) => user));
  }

  explain(userId: UserId, deviceId: DeviceId): Observable<TrustChain> {
    const { userId: ownUserId } = this.#settings;
    return this.#known([userId, ownUserId]).pipe(
      map(([user = NOTHING_KNOWN, own]) => trustChain({ userId, deviceId }, user, ownUserId, own?.list)),
    );
  }

  /**
   * Switches to the store that memory stood in for: memory's state is committed on top of what the store holds, and
   * from then on keys are compared with the store's pins.
   */
  adopt(saved: SavedAccount, store: DeviceStore): void {
    this.chain.whenIdle(() => {
      this.#surroundings.outputs.emissions.batch(() => {
        this.#adopt(saved, store);
      });
    });
  }

  /** Applies and commits events of extensions. Completes when durable. */
  commitEvents(events: ExtensionEvents): Observable<never> {
    return this.#surroundings.outputs.emissions.batch(() => {
      const outcome$ = this.#commit({ type: "step", changed: [], left: [], events });
      this.chain.commitPending();
      return outcome$.pipe(ignoreElements());
    });
  }

  stop(error: Error): void {
    this.steps.close();
    this.calls.close(error);
  }

  close(error: Error): void {
    this.stop(error);
    this.siblings.close();
    this.chain.close(error);
  }

  #known(userIds: readonly UserId[]): Observable<readonly KnownUser[]> {
    return knownUsers(userIds, this.#store, this.parts, (owner) => this.chain.isOurs(owner));
  }

  #acknowledge(userId: UserId, masterKey: string | undefined, confirms: boolean): Observable<never> {
    const { userId: ownUserId, scheduler } = this.#settings;
    const identity = { userId, masterKey, ownUserId, confirms, at: scheduler.now() };
    return acknowledgeIdentity(identity, this.chain, this.parts);
  }

  /**
   * A person's decisions are repeated in the store that memory stands in for, since they cannot be derived from the
   * pins.
   */
  #remember(userId: UserId, edit: UserEdit): void {
    if (this.#store.isStandIn) this.#editsToRepeat.push({ userId, edit });
  }

  #commitEdit(userId: UserId, edit: UserEdit): Observable<never> {
    return this.#surroundings.outputs.emissions.batch(() => {
      const change: Change = { type: "invalidate", users: [userId], edited: true };
      const outcome$ = this.#commit(change, editToCommit(userId, edit));
      editBeforeCommit(userId, edit, this.parts, this.chain.tip, outcome$);
      this.chain.commitPending();
      return outcome$.pipe(ignoreElements());
    });
  }

  /** Confirms the master key that the application passed as an option, unless that is already saved. */
  #confirmByOption(): void {
    const { ownMasterKey } = this.#settings;
    if (ownMasterKey === undefined) return;
    const ignored = () => {}; // the next answer is compared with it anyway
    this.confirmOwnIdentity(ownMasterKey).subscribe({ error: ignored });
  }

  #adopt(saved: SavedAccount, store: DeviceStore): void {
    const { chain, parts, siblings } = this;
    const { outputs, extensions, connection } = this.#surroundings;
    const changes = changesToAdopt(chain.clone, saved, extensions.summary());
    const pins = this.#pinsInMemory();
    this.#store.replace(store);
    const before = chain.adopt(saved);
    this.#passed.standOn(saved);
    parts.memory.reset(saved.ourKey);
    parts.index.reset();
    extensions.restore(saved.extensions, saved.state.token);
    for (const change of changes) keepFirst(before, this.chain.apply(change).before);
    this.#changed(before);
    this.#trackExtensions();
    outputs.reportAll([...loadProblems(saved), ...adoptionProblems(saved.state, before, chain.clone)]);
    chain.commitPending();
    // The store's own pins come first, then memory's: what memory has pinned since stays.
    for (const { userId, edit } of this.#editsToRepeat.splice(0))
      this.#commitEdit(userId, edit).subscribe({ error: () => {} });
    parts.saver.savePins(pins);
    this.#confirmByOption();
    siblings.moved(Array.from(pins.keys()).filter((userId) => !chain.clone.users.has(userId)));
    if (connection()?.isCaughtUp === false) siblings.ask();
  }

  /**
   * Reads the pins from memory, which answers synchronously, except what a person forgot: its numbers belong to another
   * chain, and it is forgotten again.
   */
  #pinsInMemory(): ReadonlyMap<UserId, Pins> {
    let pins: ReadonlyMap<UserId, Pins> = new Map();
    this.#store.readKinds(["list"]).subscribe(([lists = new Map<UserId, unknown>()]) => (pins = pinsIn(lists)));
    return new Map(Array.from(pins, ([userId, one]) => [userId, makePins({ ...one, forgotten: undefined })]));
  }

  /**
   * Applies a change in memory and marks what it supersedes. {@link Chain.commitPending} begins its commit, once all
   * resulting emissions are enqueued.
   */
  #commit(change: Change, edit?: Edit): Observable<Outcome> {
    if (change.type === "step" && change.next !== undefined) this.#emitFollowed(this.#followedResponses.cut());
    const { before, outcome$, change: extended } = this.chain.apply(change, edit);
    this.#changed(before, extended.type === "step" ? [extended] : []);
    return outcome$;
  }

  /** Tracks the users that extensions want tracked, even if the loaded state does not. */
  #trackExtensions(): void {
    const { users } = this.chain.clone;
    const missing = [...this.#surroundings.extensions.trackedUsers()].filter((userId) => !users.has(userId));
    // If this fails, the next restart tries again.
    if (missing.length > 0) this.calls.apply("track", missing).subscribe({ error: () => {} });
  }

  #changed(before: Before, steps: readonly SyncStep[] = []): void {
    const { outputs } = this.#surroundings;
    const { queries, memory } = this.parts;
    const effects = effectsSince(before, this.chain.clone);
    const announced = announcedChanges(steps, effects);
    queries.supersede(effects.invalidated);
    queries.supersede(effects.left);
    memory.forget(effects.left);
    outputs.emissions.enqueue(() => {
      queries.send();
      this.tracking.changed(effects);
      if (announced !== undefined) outputs.emitChanges(announced);
    });
  }

  #followed(before: Before, commits: readonly Commit[], isSummary: boolean): void {
    const connection = this.#surroundings.connection();
    this.calls.missed(commits);
    const steps = stepsIn(commits);
    this.siblings.edited(editedIn(commits));
    for (const step of steps) this.#passed.follow(step);
    if (isSummary) this.siblings.readCommits();
    this.#changed(before, steps);
    this.#emitFollowed(this.#followedResponses.follow(steps, isSummary));
    const isCaughtUp = steps.some(({ next, isPartial }) => next !== undefined && isPartial !== true);
    if (isCaughtUp && connection !== undefined) this.siblings.caughtUp(connection);
  }

  #emitFollowed(responses: readonly SyncResponse[]): void {
    for (const response of responses) this.#surroundings.outputs.responses.committedElsewhere(response);
  }
}
