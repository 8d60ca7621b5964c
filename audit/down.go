package audit

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/script"
)

// ErrNoSQLDown is what [Release.Down] says of a framework whose down migration is no
// SQL that could be read: Django makes it, operation by operation, out of the
// states of its models and of the reverse code that an author gave; what
// onward renders of it is the way forward only.
var ErrNoSQLDown = errors.New("the framework keeps no down migration in SQL")

// Down reads the down migration of a release's migration; nil: it has none, or
// it is code. The release must not be closed yet.
//
// Errors: [ErrNoSQLDown]; why its file cannot be read.
func (r *Release) Down(step Step) (*script.Source, error) {
	a, _ := all.Named(step.Framework)
	way, ok := a.(adapter.WayDown)
	if !ok {
		return nil, ErrNoSQLDown
	}
	for i, c := range r.compared {
		for _, m := range c.release {
			if m.migration != step.Migration {
				continue
			}
			down, err := way.Down(r.a.head, r.pairs[i].source, m.migration)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", cmp.Or(step.DownPath, step.Path), err)
			}
			return down, nil
		}
	}
	return nil, fmt.Errorf("%s is no migration of this release", step.ID)
}
