package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Set has the migrations of a source.
type Set = adapter.Set

// Planned is a migration as its adapter reads it.
type Planned = adapter.Migration

// Beyond is something that only a migration tool itself can run.
type Beyond = adapter.Beyond

// Unread is a directory with the migrations of a tool without an adapter.
type Unread = adapter.Unread

// Unread lists such directories of the head.
func (r *Release) Unread() []Unread { return adapter.UnreadIn(r.a.head) }

// Heads returns the sources of migrations at the head.
func (r *Release) Heads() []*Set {
	var out []*Set
	for _, p := range r.pairs {
		if p.head != nil && len(p.head.Migrations) > 0 {
			out = append(out, p.head)
		}
	}
	return out
}

// HeadName returns the name of the head: "working tree".
func (r *Release) HeadName() string { return r.a.rng.HeadName }

// Content returns a file's content at the head.
func (r *Release) Content(path string) ([]byte, error) { return r.a.head.Read(path) }

// Unapplied makes the release consist of the migrations that a database lacks: some
// migrations of the head, whether the base has them or not. The deployed code is still
// the base's. The release must have been read with the address of that database.
func (r *Release) Unapplied(unapplied map[*Planned]bool) {
	for i, p := range r.pairs {
		c := &comparison{}
		for _, m := range p.head.Migrations {
			if unapplied[m] {
				c.release = append(c.release, releasedMigration{migration: m, status: onward.StatusNew})
			} else {
				c.deployed = append(c.deployed, m)
			}
		}
		for _, x := range p.head.History {
			for m := range unapplied {
				if m.ID == x.Migration && m.Path == x.Path {
					c.history = append(c.history, x)
				}
			}
		}
		r.compared[i] = c
	}
}

// FoldedStatement is a statement of a migration with its analysis.
type FoldedStatement = rule.Stmt
