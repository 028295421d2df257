import { DeviceTrackerError } from "../model/errors.js";

/** The browser lacks or denies what sharing takes. It does not leave this folder. */
export class UnsharedError extends DeviceTrackerError {
  override readonly name = "UnsharedError";
}
