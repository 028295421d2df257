/** Longest text that is printed, in characters: the sentences of an error, but not a flood. */
const MAX_LENGTH = 2_000;

/** Invisible characters that change how a terminal shows others: controls, bidi overrides, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

/** A text of others, such as a display name, on one line and without characters that a terminal obeys. */
export function printable(text: string): string {
  const visible = text.replaceAll(/[\t\n\v\f\r]+/gu, " ").replaceAll(INVISIBLE, "\u{FFFD}");
  const characters = Array.from(visible);
  return characters.length <= MAX_LENGTH ? visible : `${characters.slice(0, MAX_LENGTH).join("")}…`;
}

/** JSON on one line, in which such characters are escaped: the value stays the same. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(INVISIBLE, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
