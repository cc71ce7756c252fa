import {
  type Comparison,
  compare,
  comparisonFigures,
  greedyText,
  movesAndSds,
} from "./judged-run.ts";
import { failedRow, type Row, type Section, type SectionOptions, verdictOf } from "./section.ts";
import { SHAPES } from "./shapes.ts";

const MOVES_RATIO_MAX = 1.05;
const SD_SLACK = 0.003;
/** Virtual time: several times what it takes to be level. */
const SECONDS = 300;

/** Clusters that nobody has tuned to. */
export const otherClusters: Section = {
  name: "others",
  title: "Other clusters: moves, cpuSd/memSd",
  notes: [
    `To reach as in the large clusters: at most ${MOVES_RATIO_MAX} x the greedy's moves at no more than its sds + ${SD_SLACK}.`,
    "Central in brackets: the same greedy in as many moves as ours, whatever the last ones gain.",
    "Shapes are made from seeds (scripts/plans/shapes.ts); 20 hosts, and 60 without --quick.",
  ],
  *run(options) {
    for (const [name, shape] of Object.entries(SHAPES)) {
      for (const { hosts, seed } of sizesOf(options)) {
        const what = `${name}, ${hosts} hosts, seed ${seed}`;
        try {
          yield rowOf(what, compare(shape({ hosts, seed }), seed, { seconds: SECONDS }));
        } catch (error) {
          yield failedRow(what, error);
        }
      }
    }
  },
};

function sizesOf({ isQuick }: SectionOptions) {
  const small = [1, 2, 3].map((seed) => ({ hosts: 20, seed }));
  return isQuick ? small.slice(0, 2) : [...small, { hosts: 60, seed: 4 }];
}

/** As good as the greedy, within the slack. */
export function rowOf(what: string, comparison: Comparison): Row {
  const { moves, spread, greedyMoves, greedySpread } = comparison;
  const isMet =
    moves <= MOVES_RATIO_MAX * greedyMoves &&
    spread.cpuSd <= greedySpread.cpuSd + SD_SLACK &&
    spread.memSd <= greedySpread.memSd + SD_SLACK;
  return {
    what,
    reach: `<= ${Math.floor(MOVES_RATIO_MAX * greedyMoves)} moves, greedy's sds + ${SD_SLACK}`,
    ours: movesAndSds(moves, spread),
    central: greedyText(comparison),
    verdict: verdictOf(isMet),
    figures: comparisonFigures(comparison),
  };
}
