export const ALICE = "@alice:home.example";
export const BOB = "@bob:home.example";
export const CAROL = "@carol:home.example";
export const DAVE = "@dave:elsewhere.example";
export const ALL_USERS = [BOB, CAROL, DAVE, ALICE];
