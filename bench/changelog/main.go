//go:build unix

// Command changelog measures `onward changelog` on a release of a real repository
// beside one `git grep -w` over the tree of its base, in turn.
//
//	go run ./bench/changelog -repo DIR -base REVISION -head REVISION [-rounds N]
//
// README.md in the directory above says what is measured and how. It exits with 0
// when all limits are kept, 1 when one is missed, 2 for wrong usage and 3 when it
// could not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"text/tabwriter"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/run"
)

// The limits, and the word that is looked for: no word of a schema, so that git
// prints next to nothing.
const (
	coldLimit = 4.5 // of git grep's CPU time, with an empty cache
	warmLimit = 2.4 // with what the run before left there
	peakLimit = 200 << 20
	word      = "perihelion"
)

type settings struct {
	onward, repo, base, head string
	rounds                   int
}

func main() {
	cost.RunOne()
	var s settings
	flag.StringVar(&s.onward, "onward", os.Getenv("ONWARD"), "onward `binary`; built when empty (or $ONWARD)")
	flag.StringVar(&s.repo, "repo", os.Getenv("REPO"), "a `directory` with a clone (or $REPO)")
	flag.StringVar(&s.base, "base", os.Getenv("BASE"), "the deployed `revision` (or $BASE)")
	flag.StringVar(&s.head, "head", os.Getenv("HEAD"), "the `revision` to deploy (or $HEAD)")
	flag.IntVar(&s.rounds, "rounds", 5, "measured rounds; one more warms up")
	flag.Parse()
	if flag.NArg() > 0 || s.repo == "" || s.base == "" || s.head == "" || s.rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	kept, err := measureLimits(ctx, os.Stdout, s)
	run.ExitIf(!kept, err)
}

// measureLimits prints the table, and reports whether all limits are kept.
func measureLimits(ctx context.Context, w io.Writer, s settings) (bool, error) {
	temporary, err := os.MkdirTemp("", "onward-bench")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(temporary)
	if s.onward == "" {
		s.onward = filepath.Join(temporary, "onward")
		if err := run.BuildOnward(ctx, s.onward); err != nil {
			return false, err
		}
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return false, err
	}
	changelog := func(name, cache string) cost.Command {
		return cost.Command{
			Name: name, Path: s.onward, Args: []string{"changelog", "--base", s.base, "--head", s.head}, Dir: s.repo,
			Env: []string{"XDG_CACHE_HOME=" + cache}, Fine: []int{0, 1, 3}, // 3: something could not be judged, and is reported
		}
	}
	cold := changelog("onward, cold", filepath.Join(temporary, "cold"))
	cold.Before = func() error { return os.RemoveAll(filepath.Join(temporary, "cold")) }
	costs, err := cost.InTurn(ctx, s.rounds,
		cost.Command{Name: "git grep", Path: git, Args: []string{"grep", "-w", word, s.base}, Dir: s.repo, Fine: []int{0, 1}},
		cold, changelog("onward, warm", filepath.Join(temporary, "warm")))
	if err != nil {
		return false, err
	}
	if costs[0].CPU == 0 {
		return false, errors.New("git grep took no time that can be measured: the repository is too small")
	}
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\nonward changelog %s..%s\n", s.base, s.head)
	fmt.Fprintln(t, "\tCPU\twall\tpeak memory\tof git grep's CPU\tlimit\t\t")
	kept := true
	for i, r := range []struct {
		name  string
		limit float64
	}{{name: "git grep -w"}, {"cold", coldLimit}, {"warm", warmLimit}} {
		u := costs[i]
		fmt.Fprintf(t, "%s\t%.3f s\t%.3f s\t%d MB\t", r.name, u.CPU.Seconds(), u.Wall.Seconds(), u.Peak>>20)
		if r.limit == 0 {
			fmt.Fprintln(t, "\t\t\t")
			continue
		}
		times, verdict := float64(u.CPU)/float64(costs[0].CPU), "ok"
		if times > r.limit || u.Peak >= peakLimit {
			verdict, kept = "MISSED", false
		}
		fmt.Fprintf(t, "%.2f\tat most %.1f, below %d MB\t%s\t\n", times, r.limit, peakLimit>>20, verdict)
	}
	return kept, t.Flush()
}
