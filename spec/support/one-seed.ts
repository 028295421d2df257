import fc from "fast-check";
import { SEED } from "./seed.js";

// The default of every property that does not pass a seed itself.
fc.configureGlobal({ seed: SEED });
