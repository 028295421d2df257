import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { EngineModule } from "./engine-module.js";
import { installNativeEngine } from "./install-native-engine.js";
import { DeviceId, DeviceLists, RoomId, UserId } from "./native-ids.js";
import { NativeMachine } from "./native-machine.js";

/** The native engine as such a module. Its machines have what `NativeMachine` has, and no more. */
export async function nativeEngine(): Promise<EngineModule> {
  const binding = await installNativeEngine();
  const initialize = async (userId: UserId, deviceId: DeviceId) => {
    const folder = await mkdtemp(join(tmpdir(), "native-machine-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return new NativeMachine(binding, userId, deviceId.toString(), folder);
  };
  return { DeviceId, DeviceLists, OlmMachine: { initialize }, RoomId, UserId } as unknown as EngineModule;
}
