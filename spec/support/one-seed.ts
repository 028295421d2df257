import fc from "fast-check";
import { SEED } from "./seed.js";

// What is not told a seed has this one as well.
fc.configureGlobal({ seed: SEED });
