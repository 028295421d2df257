import type { AxiosInstance } from "axios";
import MockAdapter from "axios-mock-adapter";

/** axios-mock-adapter describes the CommonJS build of axios, which TypeScript takes for another class than the one imported here. */
export function mockAdapter(http: AxiosInstance): MockAdapter {
  return new MockAdapter(http as unknown as ConstructorParameters<typeof MockAdapter>[0]);
}
export type { MockAdapter };
