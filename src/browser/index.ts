export { connectDeviceTracker, type ConnectedDeviceTracker, type ConnectOptions } from "./connect-device-tracker.js";
