package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
)

// careful are the flags of all that carries steps out.
type careful struct {
	db, plan      string
	within, stall time.Duration
	replicas      []string
	notify        string
	after         time.Duration
	publications  []string
	limits        limits
}

// ofLedger is what --plan is of a command that goes on with plans.
const ofLedger = "the plan with this `id` alone, as onward status shows it"

func (f *careful) register(cmd *cobra.Command, plan string) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it")
	flags.StringVar(&f.plan, "plan", "", plan)
	flags.DurationVar(&f.within, "within", apply.DefaultWithin, "give a step up when others were in its way for this `time`")
	flags.DurationVar(&f.stall, "max-stall", apply.DefaultMaxStall, "the longest `time` for which anybody may wait behind a step that waits for its lock")
	flags.StringArrayVar(&f.replicas, "replica", nil, "`address` of a standby whose queries are waited for, too, as for --db; several times for several")
	flags.StringVar(&f.notify, "notify", "", "`URL` of a webhook, @FILE or env:NAME that hold it: it is told how this ends, and that it stands still for long")
	flags.DurationVar(&f.after, "notify-after", time.Minute, "the `time` after which that is long")
	flags.StringArrayVar(&f.publications, "accept-publication", nil, "the `publication` whose subscribers have the tables and columns that the steps add, or may stop; several times for several")
	f.limits.register(cmd)
}

// carefully reads them.
func (a *app) carefully(f *careful) (apply.Config, error) {
	c := apply.Config{Within: f.within, MaxStall: f.stall, AcceptPublications: f.publications}
	if f.within <= 0 || f.stall < time.Millisecond {
		return c, usagef("--within and --max-stall are times such as 10m and 500ms")
	}
	var err error
	if c.Throttle, err = f.limits.read(); err != nil {
		return c, err
	}
	for _, text := range f.replicas {
		url, err := a.address(text)
		if err != nil {
			return c, err
		}
		c.Replicas = append(c.Replicas, url)
	}
	c.DB, err = a.target(f.db)
	return c, err
}

// limits are the flags that say when a backfill holds back.
type limits struct {
	lag, snapshot   time.Duration
	slot, wal, dead string
	archive, active int
	vacuum          bool
	sql, health     string
	events          string
}

func (f *limits) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.health, "health", "", "`URL or command` that is asked before each step and during a backfill: one that is not well stops the work, and so does one that gives no answer")
	flags.StringVar(&f.sql, "throttle-sql", "", "`query` that is asked during a backfill: true, a number above 0 or no answer stops it")
	flags.DurationVar(&f.lag, "max-lag", throttle.Default.Lag, "slow a backfill down when a replica is this `time` behind; 0 does not ask")
	flags.StringVar(&f.slot, "max-slot-wal", fmt.Sprintf("%dGB", throttle.Default.SlotWAL>>30), "the same for the WAL that a slot keeps, as a `size`")
	flags.IntVar(&f.archive, "max-archive", throttle.Default.Archive, "the same for `segments` of WAL that wait for the archiver")
	flags.StringVar(&f.wal, "max-wal-rate", "0", "the same for the WAL that the server writes in a second, as a `size`")
	flags.StringVar(&f.dead, "max-dead", fmt.Sprintf("%g%%", 100*throttle.Default.Dead), "the same for the `part` of a table's rows that are dead")
	flags.DurationVar(&f.snapshot, "max-snapshot", throttle.Default.Snapshot, "the same for the `age` of the oldest transaction with a snapshot")
	flags.IntVar(&f.active, "max-active", -1, "the same for `sessions` at work; -1 is half of max_connections")
	flags.BoolVar(&f.vacuum, "yield-to-vacuum", true, "slow a backfill down while vacuum works on its table")
	flags.StringVar(&f.events, "events", "", "`file` to add what happens to, as a line of JSON each")
}

// read reads the flags. What is not asked is below zero there, and 0 here.
func (f *limits) read() (apply.Limits, error) {
	l := apply.Limits{Lag: off(f.lag), Snapshot: off(f.snapshot), Archive: off(f.archive), SQL: f.sql, Health: f.health}
	switch {
	case f.lag < 0 || f.snapshot < 0 || f.archive < 0 || f.active < -1:
		return l, usagef("a limit is above 0, or 0 for none")
	case f.active >= 0:
		l.Active = off(f.active)
	}
	if !f.vacuum {
		l.Vacuum = -1
	}
	slot, err := sizeFlag("--max-slot-wal", f.slot)
	if err != nil {
		return l, err
	}
	l.SlotWAL = off(slot)
	if l.WALRate, err = sizeFlag("--max-wal-rate", f.wal); err != nil {
		return l, err
	}
	part, err := strconv.ParseFloat(strings.TrimSuffix(f.dead, "%"), 64)
	if err != nil || part < 0 || part > 100 || !strings.HasSuffix(f.dead, "%") && part != 0 {
		return l, usagef("--max-dead %q is not a part such as 20%%, or 0 for none", f.dead)
	}
	l.Dead = off(part / 100)
	if why := outside.RefuseQuery(f.sql); f.sql != "" && why != "" {
		return l, usagef("--throttle-sql is not run: %s. Give one SELECT that only reads", why)
	}
	return l, nil
}

// off makes 0 a limit that is not asked.
func off[T int | int64 | float64 | time.Duration](limit T) T {
	if limit == 0 {
		return -1
	}
	return limit
}

// sizeFlag reads a size as Postgres writes it: 16MB, 1GB.
func sizeFlag(flag, text string) (int64, error) {
	for i, unit := range []string{"kB", "MB", "GB", "TB"} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 40)
			if err == nil && n > 0 && n < 1<<20 {
				return n << (10 * (i + 1)), nil
			}
		}
	}
	if text == "0" {
		return 0, nil
	}
	return 0, usagef("%s %q is not a size such as 512MB or 1GB, or 0 for none", flag, text)
}

// telling makes c tell what happens: to who looks, and as JSON to a file. The function ends it.
func (a *app) telling(c *apply.Config, file string) (end func(), err error) {
	b := newBar(a)
	var show func(apply.Event)
	if !a.flags.quiet {
		show = a.happened(b)
	}
	var f *os.File
	if file != "" {
		if f, err = os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex // the session beside the work tells, too
	c.Tell = func(e apply.Event) {
		mu.Lock()
		defer mu.Unlock()
		if f != nil && e.Kind != apply.Sends { // the plan has the statements
			writeEvent(f, &e)
		}
		if show != nil {
			show(e)
		}
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		b.clear()
		if f != nil {
			_ = f.Close() // each line was written by itself
		}
	}, nil
}

func writeEvent(f *os.File, e *apply.Event) {
	line := onward.ApplyEvent{At: time.Now().UTC(), Kind: string(e.Kind), Rows: e.Rows, Total: e.Total, Of: max(0, e.Of), TookMS: e.Took.Milliseconds(), Words: e.Words}
	if e.Step != nil {
		line.Step = e.Step.ID
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, _ = f.Write(append(text, '\n')) // a full disk does not end the work
	}
}
