/** The access token of an account, or a function that returns the current one. */
type AccessTokenSource = string | (() => string | Promise<string>);

/** Reads an access token for each request, and renews it once for all requests that fail with the same one. */
export class AccessToken {
  /** Whether a refused token can be renewed: a string cannot. */
  readonly isRenewable: boolean;
  readonly #source: AccessTokenSource;
  /** Renewals in progress, by the refused token. */
  readonly #renewals = new Map<string, Promise<string>>();

  /** @throws TypeError if the source is a string that cannot be a token */
  constructor(source: AccessTokenSource) {
    this.#source = typeof source === "string" ? checkToken(source) : source;
    this.isRenewable = typeof source !== "string";
  }

  async read(): Promise<string> {
    return typeof this.#source === "string" ? this.#source : checkToken(await this.#source());
  }

  renew(refused: string): Promise<string> {
    const inProgress = this.#renewals.get(refused);
    if (inProgress !== undefined) return inProgress;
    const renewal = this.read().finally(() => this.#renewals.delete(refused));
    this.#renewals.set(refused, renewal);
    return renewal;
  }
}

/** Refuses a token that cannot be sent in a header. Unlike the platform's error, the message does not repeat it. */
function checkToken(token: unknown): string {
  if (typeof token === "string" && /^[\x21-\x7e]+$/u.test(token)) return token;
  const problem =
    typeof token !== "string"
      ? `is of type ${typeof token}`
      : token === ""
        ? "is empty"
        : "contains spaces, line breaks or other characters that tokens do not have";
  throw new TypeError(`accessToken must be a string of visible ASCII characters; this one ${problem}`);
}
