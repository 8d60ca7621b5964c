// Package session has the sessions of a run on its target: their settings, their transactions, and how long they may be silent.
package session

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
)

// Session is a target's sessions: one that works, one beside it, and others on its standbys.
type Session struct {
	URL string
	// Replicas are the addresses of the standbys, and Standbys the sessions there.
	Replicas []string
	Standbys []*live.Standby
	// Direct: no transaction pooler is in between.
	Direct bool
	// AsWritten: the steps are an unchanged migration, which gets the role's settings.
	AsWritten bool
	Tries     *run.Tries

	// Path and Role are the search_path and the role of the plan. They are known after the plan was found in the ledger.
	Path, Role string
	// Lease fences each transaction. Nothing is written without it.
	Lease *ledger.Lease

	Work    *pgx.Conn
	Workers []*pgx.Conn       // more sessions that run batches, if there are several workers
	Silence *live.Silence     // of the work session
	Control *live.SideSession // renews the lease, checks the lock queue, and writes what must stay if the work is rolled back

	Major            int
	readSettings     []live.Setting // of Work, which only one goroutine may ask
	AutovacuumYields bool           // autovacuum is made to give way
	role             *roleSettings  // of the role that runs the steps, and of the database
}

// NewSession returns the sessions of a target, which [Session.Open] opens.
func NewSession(ctx context.Context, url string, tries *run.Tries) *Session {
	heard := live.NewSilence(ctx, nil)
	return &Session{
		URL: url, Tries: tries, Silence: live.NewSilence(ctx, heard),
		Control: &live.SideSession{URL: url, Name: ControlName, Own: true, Silence: heard},
	}
}
