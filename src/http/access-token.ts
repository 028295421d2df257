/**
 * The access token of an account, or a function that returns the current one. The function is called with the token
 * that the server has refused, if any.
 */
type AccessTokenSource = string | ((refused?: string) => string | Promise<string>);

/** An access token, as read for a request. */
export interface ReadToken {
  readonly value: string;
  /** How many renewals had completed when it was read. */
  readonly renewals: number;
}

/** Reads an access token for each request. Renews it once for all requests that were refused with the same token. */
export class AccessToken {
  /** True if a refused token can be renewed; a string cannot. */
  readonly isRenewable: boolean;
  readonly #source: AccessTokenSource;
  /** Renewals in progress, by the refused token. */
  readonly #inProgress = new Map<string, Promise<ReadToken>>();
  #renewals = 0;
  #last: { readonly refused: string; readonly renewed: ReadToken } | undefined;

  /** @throws TypeError if the source is a string that cannot be a token */
  constructor(source: AccessTokenSource) {
    this.#source = typeof source === "string" ? checkToken(source) : source;
    this.isRenewable = typeof source !== "string";
  }

  read(): Promise<ReadToken> {
    return this.#read(undefined);
  }

  /** Returns the token after a refused one; the same token if the source has no other. */
  renew({ value: refused, renewals }: ReadToken): Promise<ReadToken> {
    // Refused late, after another request had already renewed this token: renewing again would end the new one.
    if (this.#last?.refused === refused && renewals < this.#last.renewed.renewals)
      return Promise.resolve(this.#last.renewed);
    const inProgress = this.#inProgress.get(refused);
    if (inProgress !== undefined) return inProgress;
    const renewal = this.#renew(refused).finally(() => this.#inProgress.delete(refused));
    this.#inProgress.set(refused, renewal);
    return renewal;
  }

  async #renew(refused: string): Promise<ReadToken> {
    const { value } = await this.#read(refused);
    const renewed = { value, renewals: ++this.#renewals };
    if (value !== refused) this.#last = { refused, renewed };
    return renewed;
  }

  async #read(refused: string | undefined): Promise<ReadToken> {
    const renewals = this.#renewals;
    const value = typeof this.#source === "string" ? this.#source : checkToken(await this.#source(refused));
    return { value, renewals };
  }
}

/**
 * Refuses a token that cannot be sent in a header. Unlike the platform's error, the message does not repeat the token.
 */
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
