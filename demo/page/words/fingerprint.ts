/** The beginning of a key, in groups of four characters. */
export const fingerprint = (key: string, groups: number): string =>
  `${
    key
      .match(/.{1,4}/gu)
      ?.slice(0, groups)
      .join(" ") ?? ""
  } …`;
