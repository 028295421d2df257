/**
 * The page, built unless it was built from the same sources before, by this process or another. `onBuild`: called if it
 * has to be built; `cache`: the folder in which it is kept.
 */
export function builtPage(onBuild?: () => void, cache?: string): Promise<Record<string, string>>;
