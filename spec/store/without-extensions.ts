import { Extensions } from "../../src/tracker/extensions.js";
import { ALICE } from "../support/users.js";

/** The extensions of a tracker that has none. */
export const WITHOUT_EXTENSIONS = new Extensions([], ALICE, () => {});
