// What a page downloads, as `npm run size` measures it.
import { sizes } from "../scripts/size.mjs";

export async function download() {
  const { whole, peer } = await sizes();
  if (peer === undefined) throw new Error("@matrix-org/matrix-sdk-crypto-wasm is not installed");
  return [
    {
      name: "download, gzip",
      note: "ours with rxjs, axios, valibot and idb-keyval; the peer does all the rest of the cryptography, too, and brings no HTTP client",
      ours: whole.gzip,
      peer: peer.gzip,
    },
  ];
}
