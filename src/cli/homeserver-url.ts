import { matrixHttp } from "matrix-device-tracker/http";

/** What is wrong with a URL as that of a homeserver, as the package finds it; `undefined` if it can be one. */
export function complaintAbout(homeserverUrl: string): string | undefined {
  try {
    matrixHttp({ homeserverUrl, accessToken: "none" });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
