// A reporter for vitest: writes to .ci/out/tests.json how many tests of each project passed, failed and were skipped.
import { mkdirSync, writeFileSync } from "node:fs";

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = {};
    for (const module of modules) {
      // The name of a browser project includes its browser: "chromium (chromium)".
      const [project] = module.project.name.split(" ");
      const count = (counts[project] ??= { passed: 0, failed: 0, skipped: 0 });
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === "pending" ? "failed" : state] += 1;
      }
      // Files that cannot be loaded, and suites whose hooks fail: none of their tests reports that.
      const broken = [module, ...module.children.allSuites()].filter((part) => part.errors().length > 0);
      count.failed += broken.length;
    }
    // Errors outside of any test.
    if (unhandledErrors.length > 0)
      (counts.node ??= { passed: 0, failed: 0, skipped: 0 }).failed += unhandledErrors.length;
    const out = new URL("./out/", import.meta.url);
    mkdirSync(out, { recursive: true });
    writeFileSync(new URL("tests.json", out), JSON.stringify(counts));
  }
}
