import { clockTime } from "./clock-time.js";

/** A time of today, or another day: `14:05:09`, `12 May 2026`. */
export function moment(ms: number, now: number): string {
  const [day, today] = [new Date(ms), new Date(now)];
  if (day.toDateString() === today.toDateString()) return clockTime(ms);
  return day.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** The same in a sentence: `at 14:05:09`, `on 12 May 2026`. */
export function atMoment(ms: number, now: number): string {
  const text = moment(ms, now);
  return `${text.includes(":") ? "at" : "on"} ${text}`;
}
