// What is often there at once and sometimes only after a wait. A promise for everything would cost
// a request more than the work that it waits for.

export type Later<T> = T | Promise<T>;

/** `act` on the value: now, or when it is there. */
export function later<T, Result>(value: Later<T>, act: (value: T) => Later<Result>): Later<Result> {
  return value instanceof Promise ? value.then(act) : act(value);
}
