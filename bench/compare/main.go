//go:build unix

// Command compare runs onward and squawk on the same files, in turn, and holds
// the figures against the limits that the project has set itself.
//
//	go run ./bench/compare [-rounds N] [-corpus DIR]
//
// README.md in the directory above says what is measured and how. It exits
// with 0 when all limits are kept, 1 when one is missed, 2 for wrong usage and
// 3 when it could not measure.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/run"
)

// settings are what the flags say.
type settings struct {
	onward string // an onward binary; "" builds one
	squawk string // a squawk binary; "" installs the pinned one
	corpus string // a directory to measure beside the generated one
	cache  string
	rounds int
	files  int // of the generated corpus
	many   int // of the one that shows how cost grows
	parse  string
}

func main() {
	cost.RunOne()
	var s settings
	flag.StringVar(&s.onward, "onward", os.Getenv("ONWARD"), "onward `binary`; built when empty (or $ONWARD)")
	flag.StringVar(&s.squawk, "squawk", os.Getenv("SQUAWK"), "squawk `binary`; installed with npm when empty (or $SQUAWK)")
	flag.StringVar(&s.corpus, "corpus", os.Getenv("CORPUS"), "a `directory` of SQL files to measure too (or $CORPUS)")
	flag.StringVar(&s.cache, "cache", "", "`directory` for squawk and the generated files; default: onward-bench in the user's cache")
	flag.IntVar(&s.rounds, "rounds", 5, "measured rounds; one more warms up")
	flag.IntVar(&s.files, "files", 5000, "files of the generated corpus")
	flag.IntVar(&s.many, "many", 50000, "files of the corpus that shows how cost grows")
	flag.StringVar(&s.parse, "parse", "", "only read and parse the SQL files below a `directory`: what the comparison runs to see how long that takes")
	flag.Parse()
	if flag.NArg() > 0 || s.rounds < 1 || s.files < 1 || s.many < s.files {
		flag.Usage()
		os.Exit(2)
	}
	if s.parse != "" {
		_, err := parseAll(s.parse)
		run.ExitIf(false, err)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	kept, err := compareTools(ctx, s)
	run.ExitIf(!kept, err)
}

// compareTools measures everything and prints the tables. It reports whether all
// limits were kept.
func compareTools(ctx context.Context, s settings) (bool, error) {
	if s.cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return false, err
		}
		s.cache = filepath.Join(user, "onward-bench")
	}
	tools, err := prepareTools(ctx, s)
	if err != nil {
		return false, err
	}
	corpora, err := makeCorpora(ctx, s)
	if err != nil {
		return false, err
	}

	kept := true
	for _, c := range corpora.both {
		if err := tools.checkSameInput(ctx, c); err != nil {
			return false, err
		}
		parse, err := parseCommand(c)
		if err != nil {
			return false, err
		}
		costs, err := cost.InTurn(ctx, s.rounds, tools.onward.commandFor(c), tools.squawk.commandFor(c), parse, tools.shown.commandFor(c),
			tools.onward.unpacedCommand(c))
		if err != nil {
			return false, err
		}
		kept = printPair(os.Stdout, c, costs[0], costs[1], costs[3]) && kept
		statements, err := parseAll(c.path)
		if err != nil {
			return false, err
		}
		printParse(os.Stdout, c, statements, costs[0], costs[2])
		printPace(os.Stdout, c, costs[0], costs[4])
	}

	few, many := corpora.both[0], corpora.many
	growth, err := cost.InTurn(ctx, s.rounds, tools.onward.commandFor(few), tools.onward.commandFor(many))
	if err != nil {
		return false, err
	}
	small, err := cost.InTurn(ctx, 4*s.rounds+1, tools.onward.commandFor(corpora.small), tools.squawk.commandFor(corpora.small))
	if err != nil {
		return false, err
	}
	kept = printGrowth(os.Stdout, few, many, growth[0], growth[1]) && kept
	kept = printSmall(os.Stdout, corpora.small, small[0], small[1]) && kept
	figures, err := measureServers(ctx, s.rounds)
	if err != nil {
		return false, err
	}
	return printServers(os.Stdout, figures) && kept, nil
}
