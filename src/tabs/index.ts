export { type DescribedError, OtherTabError } from "./other-tab-error.js";
export { shareAcrossTabs, type ShareOptions } from "./share-across-tabs.js";
