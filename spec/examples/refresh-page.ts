/** The page of the tabs in `refresh-tokens.spec.ts`: a connected account, whose access token expires. */
import { set } from "idb-keyval";
import { connectDeviceTracker } from "matrix-device-tracker/browser";
import { sharedAccessToken } from "../../examples/refresh-tokens/shared-access-token.js";

const userId = "@alice:example.org";
const name = `session/${userId}`;
const accessToken = sharedAccessToken(location.origin, name);
const happened: string[] = [];

const page = {
  happened,
  logIn: () => set(name, { accessToken: "access-1", refreshToken: "refresh-1" }),
  connect: () => {
    const { http, tracker } = connectDeviceTracker({ homeserverUrl: location.origin, accessToken, userId });
    tracker.problems$.subscribe(({ type }) => happened.push(type));
    /** The token that the server accepted, or the error. Chromium would send requests for one URL one after the other. */
    const whoAmI = () =>
      http.get<{ readonly token: string }>("/account/whoami", { params: { at: Math.random() } }).then(
        ({ data }) => data.token,
        (error: unknown) => String(error),
      );
    Object.assign(globalThis, { whoAmI });
  },
};
Object.assign(globalThis, page);
export type RefreshPage = typeof page & { readonly whoAmI: () => Promise<string> };
