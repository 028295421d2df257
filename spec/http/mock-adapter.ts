import type { AxiosInstance } from "axios";
import MockAdapter from "axios-mock-adapter";

/** The types of axios-mock-adapter refer to the CommonJS build of axios, a different class for TypeScript. */
export function mockAdapter(http: AxiosInstance): MockAdapter {
  return new MockAdapter(http as unknown as ConstructorParameters<typeof MockAdapter>[0]);
}
export type { MockAdapter };
