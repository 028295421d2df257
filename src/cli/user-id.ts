/** Whether a text looks like a user ID. */
export const isUserId = (text: string): boolean => /^@[^:]*:.+$/u.test(text);

/** The server name of a user ID. */
export const serverNameIn = (userId: string): string => userId.slice(userId.indexOf(":") + 1);
