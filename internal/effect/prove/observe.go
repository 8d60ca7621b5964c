// Package prove compares the effect model with real servers: it runs a statement,
// observes which relations the server locked, rewrote and read, and compares
// these with the model's result, relation by relation.
package prove

import "github.com/onward-sql/onward/internal/pgserver/observe"

// The observer of a server is shared with the proof of the rules' claims.
type (
	Observer    = observe.Observer
	Observation = observe.Observation
	Alone       = observe.Alone
	SetupError  = observe.SetupError
)
