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

// stepFlags are the flags of all commands that run steps.
type stepFlags struct {
	db, plan      string
	schema        string
	within, stall time.Duration
	replicas      []string
	notify        string
	after         time.Duration
	publications  []string
	triggers      []string
	asSuperuser   bool
	oldSnapshots  string
	waitStandbys  bool
	parallel      int
	limits        throttleFlags
	many          bool // --targets names the databases, and not --db
}

// ledgerPlanHelp is the help of --plan for a command that continues plans.
const ledgerPlanHelp = "the plan with this `id` alone, as onward status shows it"

func (f *stepFlags) addStepFlags(cmd *cobra.Command, plan string) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it")
	flags.StringVar(&f.plan, "plan", "", plan)
	flags.StringVar(&f.schema, "schema", "", "the plan runs in this `schema` instead of public, and has its own lease and ledger rows there")
	flags.DurationVar(&f.within, "within", apply.DefaultWithin, "stop if others block a step for this `time`")
	flags.DurationVar(&f.stall, "max-stall", apply.DefaultMaxStall, "the longest `time` for which others may wait for a step that waits for its lock")
	flags.StringArrayVar(&f.replicas, "replica", nil, "`address` of a standby, as for --db: onward waits for its queries, too; repeatable")
	flags.StringVar(&f.notify, "notify", "", "`URL` of a webhook, or @FILE or env:NAME with it: it receives the result, "+
		"and a message if the run makes no progress (--notify-after)")
	flags.DurationVar(&f.after, "notify-after", time.Minute, "the `time` without progress after which --notify receives a message")
	flags.StringArrayVar(&f.publications, "accept-publication", nil,
		"accept this `publication`: its subscribers have the tables and columns that the steps add, or may stop; repeatable")
	flags.StringArrayVar(&f.triggers, "accept-trigger", nil,
		"accept this trigger, rule or policy on the table of the migrations' own tool: its `name`; repeatable")
	flags.StringVar(&f.oldSnapshots, "accept-old-snapshots", "",
		"the `reason` not to wait for transactions that do not see what a backfill wrote, or that would read no rows after REPACK: onward log keeps it")
	flags.BoolVar(&f.waitStandbys, "wait-for-standbys", false, "wait for such transactions on standbys, too")
	flags.BoolVar(&f.asSuperuser, "as-superuser", false, "let a superuser's steps run triggers and functions of roles without its rights")
	f.limits.addThrottleFlags(cmd)
}

// addParallelFlag adds the flag of the commands that run backfills.
func (f *stepFlags) addParallelFlag(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.parallel, "parallel", 1, "how many `sessions` run batches of a backfill at the same time, each with its own part of the keys")
}

// stepConfig reads them.
func (a *app) stepConfig(f *stepFlags) (apply.Config, error) {
	c := apply.Config{
		Within: f.within, MaxStall: f.stall, Parallel: f.parallel, AcceptPublications: f.publications, AcceptTriggers: f.triggers,
		AsSuperuser: f.asSuperuser, Schema: f.schema, AcceptOldSnapshots: strings.TrimSpace(f.oldSnapshots), WaitForStandbys: f.waitStandbys,
	}
	if f.parallel < 0 || f.parallel > apply.MostParallel {
		return c, newUsageError("--parallel %d: 1 to %d sessions", f.parallel, apply.MostParallel)
	}
	if f.within <= 0 || f.stall < time.Millisecond {
		return c, newUsageError("--within and --max-stall are times such as 10m and 500ms")
	}
	var err error
	if c.Throttle, err = f.limits.readLimits(); err != nil {
		return c, err
	}
	for _, text := range f.replicas {
		url, err := a.readAddress(text)
		if err != nil {
			return c, err
		}
		c.Replicas = append(c.Replicas, url)
	}
	if !f.many {
		c.DB, err = a.requireDatabase(f.db)
	}
	return c, err
}

// throttleFlags are the flags that say when a backfill is throttled.
type throttleFlags struct {
	lag, snapshot   time.Duration
	slot, wal, dead string
	archive, active int
	vacuum          bool
	sql, health     string
	events          string
}

func (f *throttleFlags) addThrottleFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.health, "health", "", "`URL or command` to ask before each step and during a backfill: a failure or no answer stops the work")
	flags.StringVar(&f.sql, "throttle-sql", "", "`query` to ask during a backfill: true, a number above 0, or no answer stops it")
	flags.DurationVar(&f.lag, "max-lag", throttle.Default.Lag, "slow a backfill down if a replica lags by this `time`; 0 does not ask")
	flags.StringVar(&f.slot, "max-slot-wal", fmt.Sprintf("%dGB", throttle.Default.SlotWAL>>30),
		"slow a backfill down if a replication slot keeps WAL of this `size`")
	flags.IntVar(&f.archive, "max-archive", throttle.Default.Archive, "slow a backfill down if this number of `segments` of WAL waits for the archiver")
	flags.StringVar(&f.wal, "max-wal-rate", "0", "slow a backfill down if the server writes WAL of this `size` in a second; 0 does not ask")
	flags.StringVar(&f.dead, "max-dead", fmt.Sprintf("%g%%", 100*throttle.Default.Dead),
		"slow a backfill down if others have left this `part` of a table's rows dead")
	flags.DurationVar(&f.snapshot, "max-snapshot", throttle.Default.Snapshot, "slow a backfill down if the oldest snapshot has this `age`")
	flags.IntVar(&f.active, "max-active", -1, "slow a backfill down if this number of `sessions` is active; -1 is half of max_connections")
	flags.BoolVar(&f.vacuum, "yield-to-vacuum", true, "slow a backfill down while vacuum works on its table")
	flags.StringVar(&f.events, "events", "", "append each event to this `file`, as a line of JSON")
}

// readLimits reads the flags. A limit that is off is negative in the result; a flag has 0 for it.
func (f *throttleFlags) readLimits() (apply.Limits, error) {
	l := apply.Limits{Lag: limitOrOff(f.lag), Snapshot: limitOrOff(f.snapshot), Archive: limitOrOff(f.archive), SQL: f.sql, Health: f.health}
	switch {
	case f.lag < 0 || f.snapshot < 0 || f.archive < 0 || f.active < -1:
		return l, newUsageError("a limit is above 0, or 0 for none")
	case f.active >= 0:
		l.Active = limitOrOff(f.active)
	}
	if !f.vacuum {
		l.Vacuum = -1
	}
	slot, err := sizeFlag("--max-slot-wal", f.slot)
	if err != nil {
		return l, err
	}
	l.SlotWAL = limitOrOff(slot)
	if l.WALRate, err = sizeFlag("--max-wal-rate", f.wal); err != nil {
		return l, err
	}
	part, err := strconv.ParseFloat(strings.TrimSuffix(f.dead, "%"), 64)
	if err != nil || part < 0 || part > 100 || !strings.HasSuffix(f.dead, "%") && part != 0 {
		return l, newUsageError("--max-dead %q is not a part such as 20%%, or 0 for none", f.dead)
	}
	l.Dead = limitOrOff(part / 100)
	if reason := outside.RefuseQuery(f.sql); f.sql != "" && reason != "" {
		return l, newUsageError("--throttle-sql is not run: %s. Give one SELECT that only reads", reason)
	}
	return l, nil
}

// limitOrOff converts 0 to a limit that is off.
func limitOrOff[T int | int64 | float64 | time.Duration](limit T) T {
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
	return 0, newUsageError("%s %q is not a size such as 512MB or 1GB, or 0 for none", flag, text)
}

// reportEvents makes c report events: to the user, and as JSON to a file. The returned function ends
// it.
func (a *app) reportEvents(c *apply.Config, file string) (end func(), err error) {
	b := &bar{a: a, p: a.newProgress()}
	var show func(apply.Event)
	if !a.flags.quiet {
		show = a.eventPrinter(b)
	}
	var f *os.File
	if file != "" {
		if f, err = os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex // the session beside the work reports events, too
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
		b.clearLine()
		if f != nil {
			_ = f.Close() // each line was written separately
		}
	}, nil
}

func writeEvent(f *os.File, e *apply.Event) {
	line := onward.ApplyEvent{
		At:     time.Now().UTC(),
		Kind:   string(e.Kind),
		Rows:   e.Rows,
		Total:  e.Total,
		Of:     max(0, e.Of),
		TookMS: e.Took.Milliseconds(),
		Words:  e.Words,
	}
	if e.Step != nil {
		line.Step = e.Step.ID
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, _ = f.Write(append(text, '\n')) // a full disk does not end the work
	}
}
