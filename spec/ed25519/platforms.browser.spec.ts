import { noble } from "../../src/ed25519/noble.js";
import { webCrypto } from "../../src/ed25519/web-crypto.js";
import { verifierBehaviour } from "./verifier-behaviour.js";

verifierBehaviour("Chromium's WebCrypto", webCrypto);
verifierBehaviour("JavaScript in Chromium", noble);
