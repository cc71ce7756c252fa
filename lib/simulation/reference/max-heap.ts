/** Whole numbers by their value, highest first; of equal values the lowest number first. */
export class MaxHeap {
  readonly #items: number[] = [];
  readonly #values: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: number, value: number): void {
    let at = this.#items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#comesFirst(item, value, parent)) break;
      this.#set(at, this.#items[parent] as number, this.#values[parent] as number);
      at = parent;
    }
    this.#set(at, item, value);
  }

  /** Takes the highest off; undefined when empty. */
  pop(): { item: number; value: number } | undefined {
    const item = this.#items[0];
    const value = this.#values[0];
    const lastItem = this.#items.pop();
    const lastValue = this.#values.pop();
    if (item === undefined || value === undefined) return undefined;
    if (this.#items.length > 0) this.#sink(lastItem as number, lastValue as number);
    return { item, value };
  }

  #sink(item: number, value: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#items.length) break;
      if (child + 1 < this.#items.length && this.#isBefore(child + 1, child)) child++;
      if (this.#comesFirst(item, value, child)) break;
      this.#set(at, this.#items[child] as number, this.#values[child] as number);
      at = child;
    }
    this.#set(at, item, value);
  }

  #isBefore(a: number, b: number): boolean {
    return this.#comesFirst(this.#items[a] as number, this.#values[a] as number, b);
  }

  #comesFirst(item: number, value: number, other: number): boolean {
    const held = this.#values[other] as number;
    return value > held || (value === held && item < (this.#items[other] as number));
  }

  #set(at: number, item: number, value: number): void {
    this.#items[at] = item;
    this.#values[at] = value;
  }
}
