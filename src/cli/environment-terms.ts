/** A message of the package, with the variables of the environment that its options come from. */
export const inEnvironmentTerms = (message: string): string =>
  message.replaceAll("homeserverUrl", "MATRIX_HOMESERVER").replaceAll("accessToken", "MATRIX_ACCESS_TOKEN");
