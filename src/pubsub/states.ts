/** Which state may follow which, checked wherever one changes: a step that the diagram does not have is a bug, and is not taken. */
export type Follows<State extends string> = Readonly<Record<State, readonly State[]>>;

/** @throws TypeError where the diagram has no such step */
export function checkStep<State extends string>(follows: Follows<State>, from: State, to: State): void {
  if (!follows[from].includes(to)) throw new TypeError(`${to} does not follow ${from}`);
}
