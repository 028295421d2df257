/** Longest text that is printed, in characters: enough for the sentences of an error. */
const MAX_LENGTH = 2_000;

/** Invisible characters that affect how a terminal shows others: controls, bidi overrides, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** Formats untrusted text, such as a display name, on one line and without characters that a terminal obeys. */
export function printable(text: string): string {
  const visible = text.replaceAll(/[\t\n\v\f\r]+/gu, " ").replaceAll(INVISIBLE, "\u{FFFD}");
  const characters = Array.from(visible);
  return characters.length <= MAX_LENGTH ? visible : `${characters.slice(0, MAX_LENGTH).join("")}…`;
}

/** Formats JSON on one line, with such characters escaped: the value stays the same. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(INVISIBLE, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
