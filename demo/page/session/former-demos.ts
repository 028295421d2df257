/** Deletes the lists that earlier runs of the embedded homeserver left in this browser: each run starts a new world. */
export function forgetFormerDemos(userId: string, deviceId: string): void {
  void indexedDB.databases().then(
    (databases) => {
      for (const { name } of databases) {
        if (name === undefined || name.endsWith(`/${deviceId}`)) continue;
        if (["devices", "hall"].some((kind) => name.startsWith(`${kind}/${userId}/DEMO`)))
          indexedDB.deleteDatabase(name);
      }
    },
    () => undefined, // without IndexedDB there is nothing to delete
  );
}
