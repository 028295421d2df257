// Run by start-up.mjs: prints the milliseconds from the import to the first answer.
const start = performance.now();
const { DeviceId, initAsync, OlmMachine, UserId } = await import("@matrix-org/matrix-sdk-crypto-wasm");
await initAsync();
const machine = await OlmMachine.initialize(new UserId("@me:bench.example"), new DeviceId("BENCH"));
await machine.getUserDevices(new UserId("@me:bench.example"));
console.log(performance.now() - start);
