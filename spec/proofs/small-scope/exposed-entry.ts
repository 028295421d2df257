export { DeviceTracker } from "../../../src/device-tracker.js";
export { Observable, Subject, Subscription } from "rxjs";
