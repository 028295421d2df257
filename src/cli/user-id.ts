export const isUserId = (text: string): boolean => /^@[^:]*:.+$/u.test(text);

export const serverNameIn = (userId: string): string => userId.slice(userId.indexOf(":") + 1);
