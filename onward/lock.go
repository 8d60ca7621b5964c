package onward

import (
	"encoding"
	"fmt"
)

// Lock is the mode of a lock on a relation, weakest first. The order is
// Postgres' own (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES);
// a larger value conflicts with at least as many kinds of traffic.
type Lock uint8

// The eight modes. NoLock is the zero value: the relation is not locked.
const (
	NoLock Lock = iota
	AccessShareLock
	RowShareLock
	RowExclusiveLock
	ShareUpdateExclusiveLock
	ShareLock
	ShareRowExclusiveLock
	ExclusiveLock
	AccessExclusiveLock
)

var lockNames = [...]string{
	"", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock",
	"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
}

var lockWords = [...]string{
	"no lock", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE",
	"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
}

// String is the mode as pg_locks.mode spells it ("AccessExclusiveLock"), and
// "" for NoLock.
func (l Lock) String() string { return lockNames[l] }

// Words is the mode as the manual spells it ("ACCESS EXCLUSIVE").
func (l Lock) Words() string { return lockWords[l] }

// BlocksReads reports whether a plain SELECT has to wait for the lock.
func (l Lock) BlocksReads() bool { return l == AccessExclusiveLock }

// BlocksWrites reports whether INSERT, UPDATE, DELETE and MERGE have to wait
// for the lock.
func (l Lock) BlocksWrites() bool { return l >= ShareLock }

// Blocks lists whom the lock makes wait: "read", "write", both or nobody.
func (l Lock) Blocks() []string {
	switch {
	case l.BlocksReads():
		return []string{"read", "write"}
	case l.BlocksWrites():
		return []string{"write"}
	}
	return []string{}
}

// MarshalText spells the mode as pg_locks does.
func (l Lock) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the spelling of pg_locks.
func (l *Lock) UnmarshalText(text []byte) error {
	for i, name := range lockNames {
		if name == string(text) {
			*l = Lock(i)
			return nil
		}
	}
	return fmt.Errorf("unknown lock mode %q", text)
}

// Work is what a statement does to a relation while it holds the lock. Each
// kind but NoWork grows with the relation's size.
type Work uint8

// The kinds of work, lightest first.
const (
	NoWork    Work = iota // catalog only: instant
	Scan                  // the relation is scanned in full
	IndexWork             // an index is built or rebuilt, which reads the table whole too
	Rewrite               // the relation's file is rewritten, with all its indexes
)

var workNames = [...]string{"none", "scan", "index", "rewrite"}

// String is "none", "scan", "index" or "rewrite".
func (w Work) String() string { return workNames[w] }

// MarshalText spells the work as String does.
func (w Work) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads String's spelling.
func (w *Work) UnmarshalText(text []byte) error {
	for i, name := range workNames {
		if name == string(text) {
			*w = Work(i)
			return nil
		}
	}
	return fmt.Errorf("unknown work %q", text)
}

var (
	_ encoding.TextMarshaler   = Lock(0)
	_ encoding.TextUnmarshaler = (*Lock)(nil)
	_ encoding.TextMarshaler   = Work(0)
	_ encoding.TextUnmarshaler = (*Work)(nil)
)

// conflicts has, for each mode, the modes that conflict with it: the table of the manual
// (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES).
var conflicts = [...]uint16{
	AccessShareLock:          lockMask(AccessExclusiveLock),
	RowShareLock:             lockMask(ExclusiveLock, AccessExclusiveLock),
	RowExclusiveLock:         lockMask(ShareLock, ShareRowExclusiveLock, ExclusiveLock, AccessExclusiveLock),
	ShareUpdateExclusiveLock: lockMask(ShareUpdateExclusiveLock, ShareLock, ShareRowExclusiveLock, ExclusiveLock, AccessExclusiveLock),
	ShareLock:                lockMask(RowExclusiveLock, ShareUpdateExclusiveLock, ShareRowExclusiveLock, ExclusiveLock, AccessExclusiveLock),
	ShareRowExclusiveLock:    lockMask(RowExclusiveLock, ShareUpdateExclusiveLock, ShareLock, ShareRowExclusiveLock, ExclusiveLock, AccessExclusiveLock),
	ExclusiveLock: lockMask(RowShareLock, RowExclusiveLock, ShareUpdateExclusiveLock, ShareLock, ShareRowExclusiveLock, ExclusiveLock,
		AccessExclusiveLock),
	AccessExclusiveLock: lockMask(AccessShareLock, RowShareLock, RowExclusiveLock, ShareUpdateExclusiveLock, ShareLock, ShareRowExclusiveLock, ExclusiveLock,
		AccessExclusiveLock),
}

// Conflicts reports whether one session that holds a lock makes another one wait for the other
// mode, or the other way round: it is the same.
func (l Lock) Conflicts(other Lock) bool { return conflicts[l]&(1<<other) != 0 }

func lockMask(list ...Lock) uint16 {
	var set uint16
	for _, l := range list {
		set |= 1 << l
	}
	return set
}

// Locks is what one statement does to other sessions: CREATE INDEX ON users (a) locks public.users in SHARE mode.
type Locks struct {
	// Statement has the effects on the versions asked for, each relation with
	// the strongest lock and the heaviest work of all of them.
	Statement
	// Variants has one entry for each group of versions on which the
	// statement does the same, oldest first.
	Variants []LockVariant `json:"variants,omitempty"`
}

// LockVariant is what the statement does on some versions.
type LockVariant struct {
	Postgres []int    `json:"postgres"`
	Effects  []Effect `json:"effects"`
	// Duration has the same meaning as in [Statement].
	Duration string `json:"duration,omitempty"`
	// Refused is the server's message when it refuses the statement.
	Refused string `json:"refused,omitempty"`
	// NoTransaction: the server refuses it in a transaction block.
	NoTransaction bool `json:"no_transaction,omitempty"`
	// Note says why the effects are not known, when they are not.
	Note string `json:"note,omitempty"`
}

// GuardedSchema is the name and number of the JSON of a command that was guarded.
const GuardedSchema = "onward.guarded/1"

// Guarded is the result of onward guard, which runs a migration command through a proxy between it and the server.
type Guarded struct {
	Schema string `json:"schema"`
	// ExitCode is the command's, of its last run; 128 and more for a signal, as shells have it.
	ExitCode int `json:"exit_code"`
	// Runs are the runs of the command, in order. It runs again if it lost a lock race.
	Runs []GuardedRun `json:"runs"`
	// Why is the reason why the command did not run again although it lost a lock race; "" if it did.
	Why string `json:"why,omitempty"`
	// Notes are what else there is to know.
	Notes []string `json:"notes,omitempty"`
}

// GuardedRun is one run of the command.
type GuardedRun struct {
	ExitCode int `json:"exit_code"`
	// Sessions and Statements are how many came through the proxy.
	Sessions   int   `json:"sessions"`
	Statements int   `json:"statements"`
	TookMS     int64 `json:"took_ms"`
	// LockTimeoutMS is the lock_timeout that its sessions began with.
	LockTimeoutMS int64 `json:"lock_timeout_ms"`
	// Committed: something that it wrote was committed, or may have been.
	Committed bool `json:"committed"`
	// Waited are the times for which a statement was held back, because of others.
	Waited []GuardedWait `json:"waited,omitempty"`
	// Lost are the statements that were given up: the lock was not granted in time, there was a deadlock, or others
	// waited too long.
	Lost []GuardedLoss `json:"lost,omitempty"`
	// Around are sessions that are proven to be the command's and did not come through the guard. The command was
	// ended because of them.
	Around []GuardedSession `json:"around,omitempty"`
	// Behind is the longest queue that waited for a session of the command.
	Behind *GuardedQueue `json:"behind,omitempty"`
}

// GuardedWait is a time for which a statement was held back.
type GuardedWait struct {
	// Statement names it without any value: "ALTER TABLE on public.users".
	Statement string `json:"statement"`
	TookMS    int64  `json:"took_ms"`
	// InTheWay are those that it was held back for, in sentences.
	InTheWay []string `json:"in_the_way"`
	// Passed: it was passed on although they were still there.
	Passed bool `json:"passed,omitempty"`
}

// GuardedLoss is a statement that was given up.
type GuardedLoss struct {
	Statement string `json:"statement"`
	SQLSTATE  string `json:"sqlstate"`
	Message   string `json:"message"`
	// Blockers are those that held what it wanted, in sentences.
	Blockers []string `json:"blockers,omitempty"`
}

// GuardedSession is a session of the command around the guard.
type GuardedSession struct {
	// PID is the server's process, Process the command's.
	PID     int `json:"pid"`
	Process int `json:"process"`
	// Client is the address that both sides have for the session; "" for a Unix socket.
	Client string `json:"client,omitempty"`
	// Ended: the session went on after the command's end, and was ended.
	Ended bool `json:"ended,omitempty"`
}

// GuardedQueue is a lock queue that a session of the command caused.
type GuardedQueue struct {
	// Most is how many waited at once, LongestMS for how long the first of them had.
	Most      int   `json:"most"`
	LongestMS int64 `json:"longest_ms"`
}
