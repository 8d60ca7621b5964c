// Package prove holds the effect model against real servers: it runs a
// statement, looks at what the server locked, rewrote and read, and compares
// that with what the model says, relation by relation.
package prove

import (
	"context"

	"github.com/onward-sql/onward/internal/pgserver/observe"
)

// The observer of a server is shared with the proof of the rules' claims.
type (
	Observer    = observe.Observer
	Observation = observe.Observation
	Alone       = observe.Alone
	SetupError  = observe.SetupError
)

// NewObserver connects to a database twice: once to run statements, once to
// watch.
func NewObserver(ctx context.Context, url string) (*Observer, error) {
	return observe.NewObserver(ctx, url)
}
