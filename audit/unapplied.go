package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Set is what a source of migrations holds.
type Set = adapter.Set

// Planned is a migration as its adapter reads it.
type Planned = adapter.Migration

// Beyond is what only a migration tool itself can run.
type Beyond = adapter.Beyond

// Unread is a directory with the migrations of a tool that is not read.
type Unread = adapter.Unread

// Unread lists such directories of the head.
func (r *Release) Unread() []Unread { return adapter.UnreadIn(r.a.head) }

// Heads are the sources of migrations that the head has.
func (r *Release) Heads() []*Set {
	var out []*Set
	for _, p := range r.pairs {
		if p.head != nil && len(p.head.Migrations) > 0 {
			out = append(out, p.head)
		}
	}
	return out
}

// HeadName is what the head is called: "working tree".
func (r *Release) HeadName() string { return r.a.rng.HeadName }

// Content is a file as the head has it.
func (r *Release) Content(path string) ([]byte, error) { return r.a.head.Read(path) }

// Unapplied makes the release what a database does not have: some migrations of the head,
// whatever the base has of them. The deployed code stays that of the base. It is for a
// release that was read with the address of that database.
func (r *Release) Unapplied(of map[*Planned]bool) {
	for i, p := range r.pairs {
		c := &comparison{}
		for _, m := range p.head.Migrations {
			if of[m] {
				c.release = append(c.release, released{m, onward.StatusNew})
			} else {
				c.deployed = append(c.deployed, m)
			}
		}
		for _, x := range p.head.History {
			for m := range of {
				if m.ID == x.Migration && m.Path == x.Path {
					c.history = append(c.history, x)
				}
			}
		}
		r.compared[i] = c
	}
}

// FoldedStatement is a statement of a migration with all that is known of it.
type FoldedStatement = rule.Stmt
