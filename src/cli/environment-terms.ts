/** Replaces names of options in a message of the package by the environment variables that they come from. */
export const inEnvironmentTerms = (message: string): string =>
  message.replaceAll("homeserverUrl", "MATRIX_HOMESERVER").replaceAll("accessToken", "MATRIX_ACCESS_TOKEN");
