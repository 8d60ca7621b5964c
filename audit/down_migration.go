package audit

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/script"
)

// ErrNoSQLDown is the error of [Release.Down] for a framework without down migrations in
// SQL. Django builds them, operation by operation, from the states of its models and from
// the author's reverse code; onward renders only the forward direction.
var ErrNoSQLDown = errors.New("the framework keeps no down migration in SQL")

// Down reads the down migration of a release's migration: in goose, the part after -- +goose Down. It
// is nil if there is none, or if it is code. The release must not be closed yet.
//
// Errors: [ErrNoSQLDown]; its file cannot be read.
func (r *Release) Down(step Step) (*script.Source, error) {
	a, _ := all.FindAdapter(step.Framework)
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
