// Package throttle says when a backfill is to hold back: it asks the server how those are who live with
// its load, and whoever else the user names. There is a file for each signal.
package throttle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/checks"
)

// The times of a gauge.
const (
	// Every is how often the signals are read.
	Every = 2 * time.Second
	// Blind is for how long a signal may be unreadable before nothing is done without it.
	Blind = 15 * time.Second
	// patience bounds one question.
	patience = 2 * time.Second
	// far is how many times its limit a signal must be for work to stop.
	far = 5
)

// Level is how much to hold back.
type Level int

// The levels, in order.
const (
	Free Level = iota
	Slow       // half as many rows, and 5 seconds between batches
	Stop       // nothing, until it is over
)

// Verdict is what the signals say.
type Verdict struct {
	Level Level
	// Why says it; "" for Free.
	Why string
	// Unseen are signals that cannot be read and are gone without, each said once.
	Unseen []string
}

// Limits are where work is slowed down; at five times as much it stops. The zero value of each is its
// default, and one below zero does not ask.
type Limits struct {
	// Lag is how far behind a replica's replay may be: 2 seconds.
	Lag time.Duration
	// SlotWAL is how many bytes of WAL a slot may keep, and a replica not have replayed: 1 GB.
	SlotWAL int64
	// Archive is how many segments of WAL may wait for the archiver: 42.
	Archive int
	// WALRate is how many bytes of WAL the server may write in a second, by whomever. By default it is not asked.
	WALRate int64
	// Dead is which part of a table's rows may be dead: 0.2. Tables with fewer than 100,000 dead rows pass.
	Dead float64
	// Vacuum below zero does not look whether autovacuum works on the table.
	Vacuum int
	// Snapshot is the age of the oldest transaction that keeps dead rows: 15 minutes.
	Snapshot time.Duration
	// Active is how many sessions may be at work: half of max_connections.
	Active int
	// SQL is the user's own query: true, or a number above 0, stops the work. "" asks none.
	SQL string
	// Health is a URL, or a command of the shell: an answer other than 2xx, or an exit code other than
	// 0, stops the work. "" asks none.
	Health string
}

// Default are the limits of those that are 0, but for Active.
var Default = Limits{Lag: 2 * time.Second, SlotWAL: 1 << 30, Archive: checks.ArchiverBehind, Dead: 0.2, Snapshot: 15 * time.Minute}

func (l *Limits) complete() {
	l.Lag, l.SlotWAL, l.Archive = cmp.Or(l.Lag, Default.Lag), cmp.Or(l.SlotWAL, Default.SlotWAL), cmp.Or(l.Archive, Default.Archive)
	l.Dead, l.Snapshot = cmp.Or(l.Dead, Default.Dead), cmp.Or(l.Snapshot, Default.Snapshot)
}

// Gauge reads the signals.
type Gauge struct {
	limits Limits
	// tables are those that are worked on, as "schema.name".
	tables []string
	asked  time.Time
	last   Verdict
	read   map[string]time.Time // when each signal was read last
	unseen map[string]bool
	wal    walMark
	// standbys are asked themselves; moments say since when there was which WAL.
	standbys []Standby
	moments  []walMoment
	health   time.Time
	sick     string
}

// New is a gauge for work on tables, named as "schema.name". The standbys are asked beside what the primary knows.
func New(l Limits, tables []string, standbys ...Standby) *Gauge {
	l.complete()
	return &Gauge{limits: l, tables: tables, standbys: standbys, read: map[string]time.Time{}, unseen: map[string]bool{}}
}

// signal is one thing that is asked.
type signal struct {
	// name says what it is, in a sentence.
	name string
	// need: nothing is done for long without it.
	need bool
	look func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error)
}

var signals = []signal{lag, standbys, slots, archive, walRate, vacuum, dead, snapshot, active, user}

// Ask reads the signals that a server knows, where the last time is long enough ago, and says what the worst
// of them says. An error is the connection's: nothing is known then.
func (g *Gauge) Ask(ctx context.Context, conn *pgx.Conn) (Verdict, error) {
	if time.Since(g.asked) < Every {
		v := g.last
		v.Unseen = nil
		return v, nil
	}
	worst := Verdict{}
	for i := range signals {
		s := &signals[i]
		is, err := g.one(ctx, conn, s)
		if conn.IsClosed() {
			return Verdict{}, errors.Join(fmt.Errorf("read %s", s.name), err)
		}
		if is.Level > worst.Level {
			worst.Level, worst.Why = is.Level, is.Why
		}
		worst.Unseen = append(worst.Unseen, is.Unseen...)
	}
	g.asked, g.last = time.Now(), worst
	return worst, nil
}

// one reads a signal, and says what follows where it cannot be read.
func (g *Gauge) one(ctx context.Context, conn *pgx.Conn, s *signal) (Verdict, error) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	is, err := s.look(ctx, g, conn)
	if status := conn.PgConn().TxStatus(); status == 'E' { // a signal that cannot be read must not spoil the next one
		_, _ = conn.Exec(ctx, "ROLLBACK")
	}
	if err == nil {
		g.read[s.name] = begun
		return is, nil
	}
	if !s.need {
		if g.unseen[s.name] {
			return Verdict{}, err
		}
		g.unseen[s.name] = true
		return Verdict{Unseen: []string{s.name + " is not looked at: " + err.Error()}}, err
	}
	if g.read[s.name].IsZero() {
		// Never seen: the time begins with the first question.
		g.read[s.name] = begun
		return Verdict{Level: Slow, Why: s.name + " cannot be read: " + err.Error()}, err
	}
	level := Slow
	if time.Since(g.read[s.name]) >= Blind {
		level = Stop
	}
	return Verdict{Level: level, Why: s.name + " cannot be read: " + err.Error()}, err
}

// over compares a signal with its limit.
func over(is, limit float64, format string, args ...any) Verdict {
	switch {
	case limit < 0 || is <= limit:
		return Verdict{}
	case is > far*limit:
		return Verdict{Level: Stop, Why: fmt.Sprintf(format, args...)}
	}
	return Verdict{Level: Slow, Why: fmt.Sprintf(format, args...)}
}

// worse is the worse of two.
func worse(a, b Verdict) Verdict {
	if b.Level > a.Level {
		return b
	}
	return a
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
