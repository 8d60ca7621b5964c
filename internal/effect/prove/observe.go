// Package prove holds the effect model against real servers: it runs a
// statement, looks at what the server locked, rewrote and read, and compares
// that with what the model says, relation by relation.
package prove

import "github.com/onward-sql/onward/internal/pgserver/observe"

// The observer of a server is shared with the proof of the rules' claims.
type (
	Observer    = observe.Observer
	Observation = observe.Observation
	Alone       = observe.Alone
	SetupError  = observe.SetupError
)
