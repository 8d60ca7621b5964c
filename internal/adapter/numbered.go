package adapter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/history"
)

// Numbered describes a tool that runs the files of one directory, each with a number at the beginning of its name, in
// the order of the numbers.
type Numbered[V int64 | uint64] struct {
	// Tool is what rules need to know about it. Guessed is set if it is only a guess that it runs the files.
	Tool    history.Tool
	Guessed bool
	// Endings are the endings of the files that ListDir should list.
	Endings []string
	// ParseName reads the name of a file; ok is false if the tool does not run it. RefuseName returns the problem with
	// such a file, nil for none.
	ParseName  func(name string) (n NumberedName[V], ok bool)
	RefuseName func(t Tree, path string) *history.Refusal
	// Twice says what it does with two up migrations of one number.
	Twice func(version V) string
	// Send reads how it sends a file that could be read.
	Send func(m *Migration, f *File)
}

// NumberedName is a file's name as its tool reads it.
type NumberedName[V int64 | uint64] struct {
	ID      string
	Version V
	Down    bool
	name    string
}

// ReadMigrations adds the migrations of a set's source in the order of their numbers, and what is wrong with their names.
func (n *Numbered[V]) ReadMigrations(ctx context.Context, t Tree, set *Set) error {
	d := ListDir(t, set.Source.Dir, n.Endings...)
	ups, downs := n.sortFiles(t, d, set)
	names := make([]string, len(ups))
	for i, f := range ups {
		names[i] = f.name
	}
	for i, f := range ReadFiles(t, d, names) {
		if err := ctx.Err(); err != nil {
			return err
		}
		version := ups[i].Version
		m := f.Start(set.Source, ups[i].ID, fmt.Sprint(version))
		m.Runner.Tool, m.Runner.Guessed = n.Tool, n.Guessed
		m.DownPath = downs[version]
		if f.Failed == "" {
			n.Send(m, f)
		}
		set.Migrations = append(set.Migrations, m)
		if i > 0 && version == ups[i-1].Version {
			set.History = append(set.History, history.Change{
				Kind: history.Duplicate, Migration: m.ID, Path: m.Path, Other: set.Migrations[i-1].ID, Line: 1, Detail: n.Twice(version),
			})
		}
	}
	return nil
}

// sortFiles separates the up migrations of a directory, in order, from the down migrations by version.
func (n *Numbered[V]) sortFiles(t Tree, d Dir, set *Set) (ups []NumberedName[V], downs map[V]string) {
	downs = map[V]string{}
	for _, name := range d.Names {
		f, ok := n.ParseName(name)
		f.name = name
		switch {
		case ok && f.Down:
			downs[f.Version] = d.Join(name)
		case ok:
			ups = append(ups, f)
		default:
			if refusal := n.RefuseName(t, d.Join(name)); refusal != nil {
				refusal.Line, refusal.Column = 1, 1
				set.Problems = append(set.Problems, Problem{Path: d.Join(name), Refusal: *refusal})
			}
		}
	}
	slices.SortStableFunc(ups, func(a, b NumberedName[V]) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), strings.Compare(a.name, b.name))
	})
	return ups, downs
}
