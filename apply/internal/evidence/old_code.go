// Package evidence asks before a contract whether old code still runs, and whether the new code works after it.
package evidence

import (
	"time"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/verify"
)

// Config is what [NewOldCode] needs.
type Config struct {
	// Gone is a LIKE pattern for the application_name of the old release; "" for none.
	Gone string
	// Asked: signs of old code are searched for. GoneBecause says why the old code is gone in spite of them; "" refuses then. Window is the time
	// between two samples of the statements.
	Asked       bool
	GoneBecause string
	Window      time.Duration
	// Workload holds the queries of the new code; nil for none. Server is the address of the Postgres on which they are checked.
	Workload []*verify.Workload
	Server   string
}

// OldCode searches for old code that still runs.
type OldCode struct {
	Config
	session         *session.Session
	record          *progress.Record
	workloadChecked bool             // the new code works after the contract
	evidenceChecked bool             // the old code is gone
	sample          *statementSample // of the statements, before a contract; nil for none
}

// NewOldCode returns the search of a run.
func NewOldCode(s *session.Session, r *progress.Record, c Config) *OldCode {
	return &OldCode{Config: c, session: s, record: r}
}

// IsInMemory reports whether statements are being sampled, which another process would begin again.
func (o *OldCode) IsInMemory() bool { return o.sample != nil && !o.evidenceChecked }
