import { LoopbackServer, type SeenRequest } from "../http/loopback-server.js";

const HTML =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

/**
 * Serves a page, and is a homeserver whose access tokens expire, `access-1`, `access-2`, …, each with a refresh token.
 * As specified, a refresh token is valid until one of the tokens that it was exchanged for is used.
 */
export class RefreshServer {
  readonly server: LoopbackServer;
  /** The refresh tokens that were sent. */
  readonly refreshes: string[] = [];
  /** Set it to answer a refresh in another way. */
  onRefresh: ((request: SeenRequest, answer: () => void) => void) | undefined;
  /** Whether requests with an expired token are answered together, once there are so many. */
  together = 1;
  #refused: SeenRequest[] = [];
  #expired = 0;
  #issued = 1;
  /** The oldest refresh token that is still valid. */
  #valid = 1;

  constructor(script: string) {
    this.server = new LoopbackServer((request) => {
      const { path } = request;
      if (path === "/page.js") request.answer(200, script, { "content-type": "text/javascript" });
      else if (!path.startsWith("/_matrix/")) request.answer(200, HTML, { "content-type": "text/html" });
      else if (path.endsWith("/refresh")) this.#refresh(request);
      else this.#answer(request);
    });
  }

  /** All access tokens that were issued expire. */
  expire(): void {
    this.#expired = this.#issued;
  }

  /** Answers polls that are held, so that the next one finds that its token has expired. */
  endPolls(): void {
    for (const poll of this.#polls.splice(0)) poll.answer(200, { next_batch: poll.query.since });
  }
  readonly #polls: SeenRequest[] = [];

  get polling(): number {
    return this.#polls.filter(({ aborted }) => !aborted).length;
  }

  #refresh(request: SeenRequest): void {
    const { refresh_token } = request.body as { readonly refresh_token: string };
    this.refreshes.push(refresh_token);
    const number = numberOf(refresh_token);
    if (number < this.#valid) {
      request.answer(403, { errcode: "M_FORBIDDEN", error: "refresh token isn't valid anymore" });
      return;
    }
    const answer = () => {
      const issued = ++this.#issued;
      request.answer(200, { access_token: `access-${issued}`, refresh_token: `refresh-${issued}` });
    };
    if (this.onRefresh === undefined) answer();
    else this.onRefresh(request, answer);
  }

  #answer(request: SeenRequest): void {
    const { path, headers, query } = request;
    const token = headers.authorization?.slice("Bearer ".length) ?? "";
    if (numberOf(token) <= this.#expired) {
      this.#refused.push(request);
      if (this.#refused.length < this.together) return;
      for (const refused of this.#refused) refused.answer(401, { errcode: "M_UNKNOWN_TOKEN", soft_logout: true });
      this.#refused = [];
      return;
    }
    this.#valid = Math.max(this.#valid, numberOf(token));
    if (path.endsWith("/whoami")) request.answer(200, { user_id: "@alice:example.org", token });
    else if (query.since === undefined) request.answer(200, { next_batch: "s1" });
    else if (query.timeout === "0") request.answer(200, { next_batch: query.since });
    else this.#polls.push(request);
  }
}

const numberOf = (token: string): number => Number(token.split("-")[1]);
