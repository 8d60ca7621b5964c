package measure

import (
	"flag"
	"os"
	"strconv"
	"time"
)

// Settings are the flags of all benchmarks. A number of 0 is the default of the case.
type Settings struct {
	Onward, Squawk, Cache, Corpus  string
	Repo, Base, Head, Migrations   string
	File, Release, Keep, Profile   string
	Shapes, Changes, Ways, Pgroll  string
	Rounds, Rows, Files, Many      int
	Keys, Seconds, Network, Rate   int
	Reduce, Sizes                  int
	CPULimit                       time.Duration
	List, Work, Largest, LockWaits bool
}

// RegisterFlags declares the flags.
func (s *Settings) RegisterFlags(f *flag.FlagSet) {
	f.StringVar(&s.Onward, "onward", os.Getenv("ONWARD"), "onward `binary`; built when empty (or $ONWARD)")
	f.IntVar(&s.Rounds, "rounds", readNumber("RUNS"), "measured `rounds` (or $RUNS)")
	f.IntVar(&s.Rows, "rows", readNumber("ROWS"), "rehearse, stalls, backfill: rows of a table (or $ROWS)")
	f.StringVar(&s.Squawk, "squawk", os.Getenv("SQUAWK"), "compare: squawk `binary`; installed with npm when empty (or $SQUAWK)")
	f.StringVar(&s.Cache, "cache", "", "compare: `directory` for squawk and the generated files; default: onward-bench in the user's cache")
	f.StringVar(&s.Corpus, "corpus", os.Getenv("CORPUS"), "compare: a `directory` of SQL files to measure too (or $CORPUS)")
	f.IntVar(&s.Files, "files", 5000, "compare: files of the generated corpus")
	f.IntVar(&s.Many, "many", 50000, "compare: files of the corpus that shows how cost grows")
	f.StringVar(&s.Repo, "repo", os.Getenv("REPO"), "changelog, hook: a `directory` with a clone (or $REPO)")
	f.StringVar(&s.Base, "base", os.Getenv("BASE"), "changelog: the deployed `revision` (or $BASE)")
	f.StringVar(&s.Head, "head", os.Getenv("HEAD"), "changelog: the `revision` to deploy (or $HEAD)")
	f.StringVar(&s.Migrations, "dir", "", "hook: the clone's `directory` of SQL migrations (default: the one with most files)")
	f.IntVar(&s.Keys, "keys", 60, "lsp: keystrokes")
	f.StringVar(&s.File, "file", "", "lsp: a migration to type in, instead of a generated one")
	f.StringVar(&s.Release, "release", "", "install: `directory` that make snapshot left, dist/release; onward is built when empty")
	f.IntVar(&s.Network, "network", 1_250_000, "install: `bytes` a second that come over the network: 10 Mbit")
	f.IntVar(&s.Seconds, "seconds", 5, "wire: length of one run of pgbench")
	f.StringVar(&s.Profile, "profile", "", "wire: a `file` for the profile of the proxy's processor time")
	f.StringVar(&s.Shapes, "shapes", "", "growth: measure the shapes whose names this `expression` matches")
	f.BoolVar(&s.List, "list", false, "growth: print the names of the shapes")
	f.DurationVar(&s.CPULimit, "limit", time.Minute, "growth: give up on a run after this CPU `time`")
	f.IntVar(&s.Reduce, "reduce", 1, "growth: divide all sizes by this `number`")
	f.IntVar(&s.Sizes, "sizes", 2, "growth: measure this `number` of sizes, each ten times the one before")
	f.BoolVar(&s.Work, "work", false, "growth: count how often each place of the program runs, on small inputs, in place of time and memory")
	f.BoolVar(&s.Largest, "largest", false, "growth: measure the largest inputs, each in its one size, in place of the shapes")
	f.StringVar(&s.Keep, "keep", "", "growth, stalls: a `directory` for the inputs, or for plans and outputs, which stays")
	f.StringVar(&s.Changes, "changes", "", "stalls: the changes whose names match a `regexp`")
	f.StringVar(&s.Ways, "ways", "", "stalls: the ways whose names match a `regexp`")
	f.StringVar(&s.Pgroll, "pgroll", "pgroll", "stalls, backfill: the `program` pgroll")
	f.IntVar(&s.Rate, "rate", 400, "stalls, backfill: queries in a second, of all clients together")
	f.BoolVar(&s.LockWaits, "locks", false, "stalls: print for how long the load waited for locks, too, if that is longer than 20 ms: "+
		"the server's deadlock_timeout is changed for it")
}

// readNumber reads a number from the environment; 0 if there is none.
func readNumber(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}
