import { printable, printableJson } from "./printable.js";

/** SGR codes of ANSI terminals. */
const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** A piece of a line: text, which may be untrusted, or text in a style. */
export type Segment = string | readonly [style: keyof typeof STYLES, text: string];

/** The parts of a stream of the process that are used. */
interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

interface Streams {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Erases a line of a terminal and returns to its beginning. */
const ERASE = "\r\u001B[K";

/**
 * Prints a command's output: results on stdout, everything else on stderr. Untrusted text is made printable here, in
 * one place.
 */
export class Output {
  readonly #streams: Streams;
  #hasStatus = false;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  /** Prints a line of the result. */
  line(...segments: readonly Segment[]): void {
    this.#write("stdout", this.#rendered("stdout", segments).trimEnd()); // a device may have no name
  }

  /** Prints a result for programs, on one line. */
  json(value: unknown): void {
    this.#write("stdout", printableJson(value));
  }

  /** Prints our own text, with line breaks. */
  text(text: string): void {
    this.#write("stdout", text);
  }

  note(...segments: readonly Segment[]): void {
    this.#write("stderr", this.#rendered("stderr", segments));
  }

  warn(message: string): void {
    this.note(["yellow", "warning:"], " ", message);
  }

  error(message: string): void {
    this.note(["red", "error:"], " ", message);
  }

  /** Shows what is in progress; the next line replaces it. Only on a terminal. */
  status(text: string): void {
    const { stderr } = this.#streams;
    if (stderr.isTTY !== true) return;
    stderr.write(`${ERASE}${this.#rendered("stderr", [["dim", `${text} …`]])}`);
    this.#hasStatus = true;
  }

  clearStatus(): void {
    if (this.#hasStatus) this.#streams.stderr.write(ERASE);
    this.#hasStatus = false;
  }

  /** Prints a question on the terminal, without a line break. */
  prompt(text: string): void {
    this.clearStatus();
    this.#streams.stderr.write(text === "\n" ? text : this.#rendered("stderr", [text]));
  }

  #write(stream: "stdout" | "stderr", line: string): void {
    this.clearStatus();
    this.#streams[stream].write(`${line}\n`);
  }

  #rendered(stream: "stdout" | "stderr", segments: readonly Segment[]): string {
    const isColoured = this.#isColoured(stream);
    return segments
      .map((segment) => {
        if (typeof segment === "string") return printable(segment);
        const [style, text] = segment;
        return isColoured ? `\u001B[${STYLES[style]}m${printable(text)}\u001B[0m` : printable(text);
      })
      .join("");
  }

  /** https://no-color.org */
  #isColoured(stream: "stdout" | "stderr"): boolean {
    const { env } = this.#streams;
    return this.#streams[stream].isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  }
}
