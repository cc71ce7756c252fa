/** The options of `evenkeel simulate`, as its help lists them. */
export const simulateFlags = [
  { flags: "--cluster <file>", text: "a cluster as JSON: {nodes: […], vms: […]} (see the README)" },
  { flags: "--hosts <n>", text: "make a cluster up; with --trace: put its VMs on so many hosts" },
  { flags: "--vms-per-host <n>", text: "VMs of each made-up host (10)" },
  { flags: "--skew <x>", text: "how unlike made-up hosts are: 0 alike, 1 up to sixfold (1)" },
  { flags: "--trace <file>", text: "VMs follow a recording: CSV, PLB1 or BBV1, zipped or not" },
  { flags: "--trace-speed <x>", text: "seconds of the recording in one second of the run (1)" },
  { flags: "--from <second>", text: "where in the recording to begin (0)" },
  { flags: "--to <second>", text: "where in it to end (its end)" },
  {
    flags: "--host-cores <n>",
    text: "cores of each host of a recording (enough for twice the mean)",
  },
  { flags: "--host-memory-gib <x>", text: "memory of each (enough for 1.4 times what VMs have)" },
  { flags: "--seconds <n>", text: "virtual time to run (600, or the recording's length)" },
  { flags: "--seed <n>", text: "another chance; the same seed gives the same run (1)" },
  { flags: "--noise <share>", text: "how far samples of a VM's CPU are off, 0 to 1 (0)" },
  { flags: "--loss <share>", text: "share of datagrams that are lost, 0 to 0.95 (0)" },
  {
    flags: "--faults <list>",
    text: "faults at random times: crash,disk,hang,restart,partition,link, or random for all",
  },
  { flags: "--max-moves <n>", text: "grant no more moves than this" },
  {
    flags: "--gain-min <x>",
    text: "least gain of a move beyond its cost (the agents' own default)",
  },
  { flags: "--bandwidth <MiB/s>", text: "speed of a migration (1024: a network of 10 Gbit/s)" },
  { flags: "--plot <file>", text: "draw the load of each host over time, as SVG" },
  { flags: "--no-check", text: "do without the checkers of what must never be" },
] as const;
