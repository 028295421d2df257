// Run by start-up.mjs: prints the milliseconds from the import to the first answer. Arguments: where to import the package and rxjs from.
const [ours = "matrix-device-tracker", rxjs = "rxjs"] = process.argv.slice(2);
const start = performance.now();
const { DeviceTracker } = await import(ours);
const { EMPTY, firstValueFrom, of } = await import(rxjs);
const keysApi = { query: () => of({ device_keys: {} }), changes: () => EMPTY };
const tracker = new DeviceTracker({ userId: "@me:bench.example", sync$: EMPTY, keysApi });
await firstValueFrom(tracker.getDeviceKeys(["@me:bench.example"]));
console.log(performance.now() - start);
