import { DeviceInUseError, MatrixError } from "matrix-device-tracker/http";
import { messageOf } from "../words/message-of.js";

/** A field of the form for another homeserver. */
export type Field = "address" | "token" | "users";

/** What is wrong with what was typed, and in which field. */
export class FieldError extends Error {
  override readonly name = "FieldError";

  constructor(
    readonly field: Field,
    message: string,
  ) {
    super(message);
  }

  /** The field that a failure is about: the token if the server refuses it, and else the address. */
  static of(failure: unknown): FieldError {
    if (failure instanceof FieldError) return failure;
    const isToken =
      failure instanceof DeviceInUseError ||
      (failure instanceof MatrixError && [401, 403].includes(failure.status) && failure.errcode !== undefined);
    return new FieldError(isToken ? "token" : "address", messageOf(failure));
  }
}
