// Package throttle says when a backfill must slow down or stop. It reads signals from the server, such as the lag of the replicas and the
// WAL of the slots, and runs the user's own query and health check. Each signal has a file.
package throttle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/redact"
)

// Intervals and limits of a gauge.
const (
	// Every is how often the signals are read.
	Every = 2 * time.Second
	// Blind is how long a signal may be unreadable before work goes on without it.
	Blind = 15 * time.Second
	// patience limits one query.
	patience = 2 * time.Second
	// far is the multiple of its limit at which a signal stops the work.
	far = 5
)

// Level says how much to hold back.
type Level int

// The levels, in order.
const (
	Free Level = iota
	Slow       // half as many rows, and 5 seconds between batches
	Stop       // no work until it is over
)

// Verdict is the combined result of the signals.
type Verdict struct {
	Level Level
	// Why is the reason; "" for Free.
	Why string
	// Unseen are signals that cannot be read and are ignored, each listed once.
	Unseen []string
}

// Limits are the values at which work is slowed down; at five times the value it stops. Zero means the default,
// and a negative value disables the signal.
type Limits struct {
	// Lag is the maximum replay lag of a replica: 2 seconds.
	Lag time.Duration
	// SlotWAL is how many bytes of WAL a slot may retain, or a replica may still have to replay: 1 GB.
	SlotWAL int64
	// Archive is how many WAL segments may wait for the archiver: 42.
	Archive int
	// WALRate is how many bytes of WAL per second all sessions may write. It is off by default.
	WALRate int64
	// Dead is the maximum part of a table's rows that are dead: 0.2. Tables with fewer than 100,000 dead rows
	// never count.
	Dead float64
	// Vacuum below zero disables the check whether autovacuum is processing the table.
	Vacuum int
	// Snapshot is the maximum age of the oldest transaction that retains dead rows: 15 minutes.
	Snapshot time.Duration
	// Active is how many sessions may be running: half of max_connections.
	Active int
	// SQL is the user's own query: true, or a number above 0, stops the work. "" disables it.
	SQL string
	// Health is a URL or a shell command. An answer other than 2xx, or an exit code other than 0, stops the work.
	// "" disables it.
	Health string
}

// Default are the limits that replace zeros, except for Active.
var Default = Limits{Lag: 2 * time.Second, SlotWAL: 1 << 30, Archive: pgstat.MaxBacklog, Dead: 0.2, Snapshot: 15 * time.Minute}

func (l *Limits) setDefaults() {
	l.Lag, l.SlotWAL, l.Archive = cmp.Or(l.Lag, Default.Lag), cmp.Or(l.SlotWAL, Default.SlotWAL), cmp.Or(l.Archive, Default.Archive)
	l.Dead, l.Snapshot = cmp.Or(l.Dead, Default.Dead), cmp.Or(l.Snapshot, Default.Snapshot)
}

// Gauge reads the signals.
type Gauge struct {
	limits Limits
	// tables are the tables that are worked on, as "schema.name".
	tables []string
	asked  time.Time
	last   Verdict
	read   map[string]time.Time // when each signal was last read
	unseen map[string]bool
	wal    walMark
	load   otherLoad
	writes ownWrites
	// standbys are asked directly; moments are the earlier positions of the WAL.
	standbys      []Standby
	moments       []walMoment
	healthChecked time.Time
	healthProblem string
}

// New returns a gauge for work on tables, named as "schema.name". The standbys are asked in addition to those
// that the primary knows.
func New(l Limits, tables []string, standbys ...Standby) *Gauge {
	l.setDefaults()
	return &Gauge{
		limits: l, tables: tables, standbys: standbys, read: map[string]time.Time{}, unseen: map[string]bool{},
		writes: ownWrites{added: map[string]int64{}, dead: map[string]int64{}},
	}
}

// Inherit makes a gauge for the next step of a plan go on with what the gauge of the last step knows about the load and the dead rows.
func (g *Gauge) Inherit(last *Gauge) { g.load, g.writes = last.load, last.writes }

// signal is one measured value.
type signal struct {
	// name describes it, for use in a sentence.
	name string
	// need: work does not go on for long without it.
	need bool
	look func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error)
}

// signals are all signals. The load comes first, because others depend on it.
var signals = []signal{loadOfOthers, replicaLag, standbys, slotWAL, archiveBacklog, walRate, vacuum, deadRows, oldestSnapshot, activeSessions, userQuery}

// ReadSignals reads the server's signals, unless that happened recently, and returns the worst verdict. An error comes
// from the connection, and then nothing is known.
func (g *Gauge) ReadSignals(ctx context.Context, conn *pgx.Conn) (Verdict, error) {
	if !g.IsDue() {
		v := g.last
		v.Unseen = nil
		return v, nil
	}
	worst := Verdict{}
	for i := range signals {
		s := &signals[i]
		verdict, err := g.readSignal(ctx, conn, s)
		if conn.IsClosed() {
			return Verdict{}, errors.Join(fmt.Errorf("read %s", s.name), err)
		}
		if verdict.Level > worst.Level {
			worst.Level, worst.Why = verdict.Level, verdict.Why
		}
		worst.Unseen = append(worst.Unseen, verdict.Unseen...)
	}
	g.asked, g.last = time.Now(), worst
	return worst, nil
}

// IsDue reports whether the signals were not read recently: [Gauge.ReadSignals] would read them.
func (g *Gauge) IsDue() bool { return time.Since(g.asked) >= Every }

// readSignal reads a signal, and decides what follows if it cannot be read.
func (g *Gauge) readSignal(ctx context.Context, conn *pgx.Conn, s *signal) (Verdict, error) {
	start := time.Now()
	isOwn := conn.PgConn().TxStatus() == 'T'
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	verdict, err := s.look(bounded, g, conn)
	if isOwn && conn.PgConn().TxStatus() != 'T' && !conn.IsClosed() { // the next signal must not fail, or be read without onward's own settings
		_, _ = conn.Exec(ctx, "ROLLBACK; "+live.BeginOwn(conn))
	}
	if err == nil {
		g.read[s.name] = start
		return verdict, nil
	}
	if !s.need {
		if g.unseen[s.name] {
			return Verdict{}, err
		}
		g.unseen[s.name] = true
		return Verdict{Unseen: []string{s.name + " is not looked at: " + err.Error()}}, err
	}
	if g.read[s.name].IsZero() {
		// Never seen: its time starts with the first attempt.
		g.read[s.name] = start
		return Verdict{Level: Slow, Why: s.name + " cannot be read: " + err.Error()}, err
	}
	level := Slow
	if time.Since(g.read[s.name]) >= Blind {
		level = Stop
	}
	return Verdict{Level: level, Why: s.name + " cannot be read: " + err.Error()}, err
}

// judgeLimit compares a signal with its limit.
func judgeLimit(value, limit float64, format string, args ...any) Verdict {
	switch {
	case limit < 0 || value <= limit:
		return Verdict{}
	case value > far*limit:
		return Verdict{Level: Stop, Why: fmt.Sprintf(format, args...)}
	}
	return Verdict{Level: Slow, Why: fmt.Sprintf(format, args...)}
}

// worseVerdict returns the worse of two verdicts.
func worseVerdict(a, b Verdict) Verdict {
	if b.Level > a.Level {
		return b
	}
	return a
}

func secondsToDuration(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// healthPatience limits the duration of the user's health check.
const healthPatience = 5 * time.Second

// CheckHealth requests the URL, or runs the command, in Limits.Health, unless that happened recently. It
// fails closed: no answer counts as bad. Its output is never shown.
func (g *Gauge) CheckHealth(ctx context.Context) Verdict {
	target := g.limits.Health
	if target == "" {
		return Verdict{}
	}
	if time.Since(g.healthChecked) >= Every {
		ctx, cancel := context.WithTimeout(ctx, healthPatience)
		defer cancel()
		if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
			g.healthProblem = checkURL(ctx, target)
		} else {
			g.healthProblem = checkCommand(ctx, target)
		}
		g.healthChecked = time.Now()
	}
	if g.healthProblem == "" {
		return Verdict{}
	}
	return Verdict{Level: Stop, Why: "--health " + g.healthProblem}
}

// checkURL returns what is wrong with a URL's answer; "" for nothing. The URL itself may contain a secret.
func checkURL(ctx context.Context, url string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "is no URL"
	}
	answer, err := http.DefaultClient.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("gave no answer for %s", healthPatience)
	case err != nil:
		return "cannot be reached"
	}
	_ = answer.Body.Close() // not read
	if answer.StatusCode/100 != 2 {
		return "answers " + answer.Status
	}
	return ""
}

// checkCommand returns what is wrong with a command's exit; "" for nothing.
func checkCommand(ctx context.Context, text string) string {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	ended := new(exec.ExitError)
	switch {
	case err == nil:
		return ""
	case ctx.Err() != nil:
		return fmt.Sprintf("did not end within %s", healthPatience)
	case errors.As(err, &ended):
		return fmt.Sprintf("ended with exit code %d", ended.ExitCode())
	}
	return "cannot be run"
}

// userQuery is the user's own query. If it gives no answer, the work stops: whoever wrote a query wants
// it to count.
var userQuery = signal{name: "the query of --throttle-sql", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.SQL == "" {
		return Verdict{}, nil
	}
	if refusal := outside.RefuseQuery(g.limits.SQL); refusal != "" {
		return Verdict{Level: Stop, Why: "the query of --throttle-sql is not run: " + refusal}, nil
	}
	answer, err := queryValue(ctx, conn, g.limits.SQL)
	if err != nil {
		reason := err.Error()
		if refused := new(pgconn.PgError); errors.As(err, &refused) {
			reason = redact.MessageWithCode(refused)
		}
		return Verdict{Level: Stop, Why: "the query of --throttle-sql has no answer: " + reason}, nil
	}
	switch answer {
	case "true":
		return Verdict{Level: Stop, Why: "the query of --throttle-sql says true"}, nil
	case "false":
		return Verdict{}, nil
	}
	n, err := strconv.ParseFloat(answer, 64)
	switch {
	case err != nil:
		return Verdict{Level: Stop, Why: "the query of --throttle-sql gives neither a boolean nor a number"}, nil
	case n > 0:
		return Verdict{Level: Stop, Why: "the query of --throttle-sql says " + answer}, nil
	}
	return Verdict{}, nil
}}

// queryValue returns the single value of a query, as text.
func queryValue(ctx context.Context, conn *pgx.Conn, sql string) (string, error) {
	if conn.PgConn().TxStatus() != 'I' { // onward's own settings end with its transaction: the query runs with the role's
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			return "", err
		}
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return "", err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it only read
	if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = '%dms'", patience.Milliseconds())); err != nil {
		return "", err
	}
	var answer *string
	sql = strings.TrimRight(strings.TrimSpace(sql), "; ")
	if err := tx.QueryRow(ctx, "SELECT (\n"+sql+"\n)::pg_catalog.text").Scan(&answer); err != nil {
		return "", err
	}
	if answer == nil {
		return "", errors.New("it gives no row, or NULL")
	}
	return *answer, nil
}
