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
