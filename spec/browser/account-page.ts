/** The page of the tabs in `log-out-tabs.spec.ts`: connects the account that its address names, and records what happens. */
import { connectDeviceTracker } from "matrix-device-tracker/browser";
import { firstValueFrom, lastValueFrom } from "rxjs";

const [userId, accessToken] = decodeURIComponent(location.hash.slice(1)).split(" ") as [string, string];
const { tracker, rooms, loggedOut$, logOut, http } = connectDeviceTracker({
  homeserverUrl: location.origin,
  accessToken,
  userId,
});
const happened: string[] = [];
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) happened.push("restored");
});
tracker.problems$.subscribe(({ type }) => happened.push(type));
loggedOut$.subscribe(() => happened.push("logged out"));

async function readAll(): Promise<readonly string[]> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(`devices/${userId}`);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(new Error("failed", { cause: request.error }));
  });
  const records = database.transaction("records").objectStore("records").getAllKeys();
  await new Promise((resolve) => (records.onsuccess = resolve));
  database.close();
  return records.result.map((key) => JSON.stringify(key));
}

const page = {
  happened,
  caughtUp: () => firstValueFrom(tracker.caughtUp$),
  joined: async (roomId: string) => (await firstValueFrom(rooms.recipients(roomId))).joined,
  logOut: () => lastValueFrom(logOut(), { defaultValue: undefined }),
  logOutAtServer: async () => (await http.post("/logout", {})).status,
  readAll,
};
Object.assign(globalThis, page);
export type AccountPage = typeof page;
