import { describe, expect, it } from "vitest";
import { MatrixError } from "matrix-device-tracker/http";
import { OtherTabError } from "matrix-device-tracker/tabs";
import { describeError } from "../../src/tabs/other-tab-error.js";

const sent = (thrown: unknown) => new OtherTabError(structuredClone(describeError(thrown)));

describe("OtherTabError", () => {
  it("says what the original said: name, message and fields", () => {
    const original = new MatrixError("/sync", 401, { errcode: "M_UNKNOWN_TOKEN", softLogout: true });
    const error = sent(original);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "MatrixError",
      message: original.message,
      endpoint: "/sync",
      status: 401,
      errcode: "M_UNKNOWN_TOKEN",
      softLogout: true,
    });
    expect(String(error)).toBe(String(original));
  });

  it("carries no objects, which may be impossible to clone or hold the request with its token", () => {
    const error = sent(
      Object.assign(new Error("failed", { cause: new Error("secret") }), {
        config: { headers: { authorization: "secret" } },
        retry: () => undefined,
        id: 7,
      }),
    );
    expect(Object.fromEntries(Object.entries(error))).toEqual({ name: "Error", id: 7 });
    expect(error.cause).toBeUndefined();
  });

  it("makes an error of whatever was thrown", () => {
    expect(sent("nonsense")).toMatchObject({ name: "Error", message: "nonsense" });
    expect(sent(undefined)).toMatchObject({ name: "Error", message: "undefined" });
    expect(sent({ errcode: "M_FORBIDDEN" })).toMatchObject({ name: "Error", errcode: "M_FORBIDDEN" });
  });
});
