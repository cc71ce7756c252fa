/** What was wrong with a value from outside, and where in it: a value, never thrown. */
export class Malformed {
  /** Where, for example `records[3].body.name`; empty for the whole. */
  readonly path: string;
  /** What was expected there. */
  readonly problem: string;

  constructor(path: string, problem: string) {
    this.path = path;
    this.problem = problem;
  }
}
