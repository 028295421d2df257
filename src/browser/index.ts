export { connectDeviceTracker, type ConnectedDeviceTracker, type ConnectOptions } from "./connect-device-tracker.js";
export { TokenOwnerError } from "../http/token-owner-error.js";
