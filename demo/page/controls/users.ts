export const BOB = "@bob:home.example";
export const CAROL = "@carol:home.example";
export const ELSEWHERE = "elsewhere.example";
export const DAVE = `@dave:${ELSEWHERE}`;
