//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/internal/pgserver"
)

// In the short form a row is missed if it is above its limit by a tenth, and so again twice with more pairs: the same program beside itself
// was between 0.79 and 1.10 on a busy machine.
const (
	shortSlack = 1.1
	shortTries = 3
)

// bench is what the rows share.
type bench struct {
	context.Context
	onward, older string
	dir           string
	short         bool
	pairs         int             // how many runs of each program count, each beside one of the others
	made          map[string]bool // the inputs
	server        *pgserver.Server
}

// contender is one of the programs of a row.
type contender struct {
	name, program string
	run           string
	most          float64 // the limit of this program's CPU time beside it; 0 for none
	isPeer        bool    // it is no onward
	own           string  // its directory
	costs         []cost.Usage
}

// measureRow measures one row and prints it, and reports whether it misses a limit.
func (b *bench) measureRow(r *row, a *anchor, base string) (missed bool) {
	commit, most := a.find(r.name)
	list := []*contender{{name: "onward", program: b.onward, run: r.run}, {name: "anchor", program: b.older, run: r.run, most: most}}
	if b.older == "" {
		list[1].program = buildCommit(b, commit)
	}
	if !b.short {
		list = append(list, &contender{name: "base", program: buildCommit(b, base), run: r.run})
		for _, p := range r.peers {
			if _, err := exec.LookPath(strings.Fields(p.run)[0]); err != nil {
				fmt.Printf("%s is not measured beside %s, which is not on the path\n", r.name, p.name)
				continue
			}
			list = append(list, &contender{name: p.name, run: p.run, most: p.most, isPeer: true})
		}
	}
	dir := r.dir
	if dir == "" {
		dir = b.makeInput(r.input)
	}
	for _, c := range list {
		c.program = measure.Must(filepath.Abs(c.program))
		c.own = filepath.Join(b.dir, "own", r.name, c.name)
		measure.Check(os.MkdirAll(c.own, 0o755))
		if r.once != "" {
			b.runLine(r, c, r.once, dir, "")
		}
	}
	slack, tries := 1.0, 1
	if b.short {
		slack, tries = shortSlack, shortTries
	}
	return tryRepeatedly(tries, func() bool {
		b.takeTurns(r, dir, list)
		return printRow(r.name, list, slack)
	})
}

// tryRepeatedly reports whether a row misses its limit each time.
func tryRepeatedly(tries int, misses func() bool) bool {
	for range tries {
		if !misses() {
			return false
		}
	}
	return true
}

// makeInput makes an input, once, and returns its directory.
func (b *bench) makeInput(name string) string {
	dir := filepath.Join(b.dir, "input", name, "in")
	if !b.made[name] {
		measure.Check(os.MkdirAll(dir, 0o755))
		inputs[name](b, dir)
		if b.made == nil {
			b.made = map[string]bool{}
		}
		b.made[name] = true
	}
	return dir
}

// takeTurns runs the programs in turn, and adds to their costs. The first round warms up, and each begins with another program.
func (b *bench) takeTurns(r *row, dir string, list []*contender) {
	for round := range b.pairs + 1 {
		for i := range list {
			c := list[(i+round)%len(list)]
			var sum cost.Usage
			for range max(1, r.times) {
				u := b.runOnce(r, c, dir)
				sum.CPU, sum.Wall, sum.Peak = sum.CPU+u.CPU, sum.Wall+u.Wall, max(sum.Peak, u.Peak)
			}
			if round > 0 {
				c.costs = append(c.costs, sum)
			}
		}
	}
}

// runOnce runs a program's command, with what comes before it.
func (b *bench) runOnce(r *row, c *contender, dir string) (u cost.Usage) {
	if r.cold {
		measure.Check(os.RemoveAll(filepath.Join(c.own, "cache")))
	}
	database := ""
	if strings.Contains(r.before+c.run, "{db}") {
		b.startServer()
		name := measure.Must(b.server.NewDatabase(b, ""))
		defer func() { measure.Check(b.server.DropDatabase(context.WithoutCancel(b), name)) }()
		database = b.server.URL(name)
	}
	if r.before != "" {
		b.runLine(r, c, r.before, dir, database)
	}
	return b.runLine(r, c, c.run, dir, database)
}

// runLine runs a command line. An exit code that the row does not expect is an error: somebody who left the work out is fast for nothing.
func (b *bench) runLine(r *row, c *contender, line, dir, database string) cost.Usage {
	words := strings.Fields(line)
	replace := strings.NewReplacer("{onward}", c.program, "{own}", c.own, "{db}", database, "{bench}", measure.Must(os.Executable()))
	for i := range words {
		words[i] = replace.Replace(words[i])
	}
	command := cost.Command{Name: r.name + " with " + c.name, Path: words[0], Args: words[1:], Dir: dir, Fine: []int{0, r.exit}}
	if r.cold || r.cached {
		command.Env = []string{"XDG_CACHE_HOME=" + filepath.Join(c.own, "cache")}
	}
	if c.isPeer {
		command.Fine = []int{0, 1}
	}
	return measure.Must(cost.Run(b, command))
}

// startServer starts the server of the rows that need one: a distribution's, if there is one.
func (b *bench) startServer() {
	if b.server != nil {
		return
	}
	config := pgserver.Config{Small: true}
	if packaged := measure.Must(filepath.Glob("/usr/lib/postgresql/1[3-8]/bin")); len(packaged) > 0 {
		config.Bin = packaged[len(packaged)-1]
	}
	b.server = measure.Must(pgserver.Start(b, config))
	fmt.Printf("the server is Postgres %s\n", b.server.Version())
}

func (b *bench) stopServer() {
	if b.server != nil {
		measure.Check(b.server.Stop())
	}
}

// compareCosts returns the median of the ratios of a program's CPU time to the older one's, pair by pair.
func compareCosts(costs, older []cost.Usage) float64 {
	var ratios []float64
	for i := range costs {
		ratios = append(ratios, float64(costs[i].CPU)/float64(max(older[i].CPU, time.Microsecond)))
	}
	return measure.Median(ratios)
}

// printRow prints what the first program cost, and that beside each other's, and reports whether a limit is missed, which is slack
// times as high.
func printRow(name string, list []*contender, slack float64) (missed bool) {
	var cpu []time.Duration
	var peak []int64
	for _, u := range list[0].costs {
		cpu, peak = append(cpu, u.CPU), append(peak, u.Peak)
	}
	fmt.Printf("%-16s %8.3f s %5d MB", name, measure.Median(cpu).Seconds(), measure.Median(peak)>>20)
	for _, c := range list[1:] {
		ratio := compareCosts(list[0].costs, c.costs)
		fmt.Printf("  %s %.2f", c.name, ratio)
		if c.most > 0 {
			fmt.Printf(" of %.2f", c.most)
		}
		if c.most > 0 && ratio > c.most*slack {
			fmt.Print(" MISSED")
			missed = true
		}
	}
	fmt.Println()
	return missed
}
