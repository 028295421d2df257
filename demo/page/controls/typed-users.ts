import type { UserId } from "matrix-device-tracker";
import { FieldError } from "./field-error.js";

/** User IDs, separated by white space or commas. Throws a `FieldError` for anything else. */
export function typedUsers(text: string): readonly UserId[] {
  const users = text.split(/[\s,]+/u).filter((userId) => userId !== "");
  const [wrong] = users.filter((userId) => !/^@[^:]*:.+$/u.test(userId));
  if (wrong !== undefined)
    throw new FieldError("users", `"${wrong}" is not a user ID. A user ID looks like @bob:example.org.`);
  if (users.length === 0) throw new FieldError("users", "Name at least one user, such as @bob:example.org.");
  return users;
}
