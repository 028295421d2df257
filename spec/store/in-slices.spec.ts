import { asyncScheduler, from, lastValueFrom, tap, VirtualTimeScheduler } from "rxjs";
import { expect, it } from "vitest";
import { inSlices } from "../../src/store/in-slices.js";

/** The values that are emitted in each task, if each keeps the page busy for so long, in ms. */
function tasksOf(values: readonly number[], costs: number): readonly (readonly number[])[] {
  const scheduler = new VirtualTimeScheduler();
  let spent = 0;
  scheduler.now = () => scheduler.frame + spent;
  const tasks: number[][] = [[]];
  from(values)
    .pipe(inSlices(scheduler))
    .subscribe((value) => {
      tasks.at(-1)?.push(value);
      spent += costs;
    });
  while (scheduler.actions.length > 0) {
    tasks.push([]);
    scheduler.maxFrames = scheduler.frame;
    scheduler.actions.shift()?.execute(undefined, 0);
  }
  return tasks;
}

it("goes on in a new task after 8 ms", () => {
  expect(tasksOf([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
});

it("takes a task for each value that takes longer", () => {
  expect(tasksOf([1, 2, 3], 20)).toEqual([[1], [2], [3]]);
});

it("is one task while time stands still", () => {
  expect(tasksOf([1, 2, 3], 0)).toEqual([[1, 2, 3]]);
});

it("goes on with any number of values, without a call inside a call for each", async () => {
  let count = 0;
  const values$ = from(Array.from({ length: 20_000 }, (_, i) => i)).pipe(inSlices(asyncScheduler));
  await lastValueFrom(
    values$.pipe(
      tap((i) => {
        count++;
        for (const end = Date.now() + 20; i === 0 && Date.now() < end;); // the first one takes a slice
      }),
    ),
  );
  expect(count).toBe(20_000);
});
