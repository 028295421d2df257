export { inOneTab, type InOneTabOptions } from "./in-one-tab.js";
