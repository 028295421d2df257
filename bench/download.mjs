// The size of the download, as `npm run size` measures it.
import { sizes } from "../scripts/size.mjs";

export async function download() {
  const { whole, peer } = await sizes();
  if (peer === undefined) throw new Error("@matrix-org/matrix-sdk-crypto-wasm is not installed");
  return [
    {
      name: "download, gzip",
      note: "ours with rxjs, axios and idb-keyval; the peer includes all other cryptography, and no HTTP client",
      ours: whole.gzip,
      peer: peer.gzip,
    },
  ];
}
