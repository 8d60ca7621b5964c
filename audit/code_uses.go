package audit

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

// maxInserts bounds what is shown of the writes to a table.
const maxInserts = 50

// bound is the index of the code for a question: without the code of services that
// the table is none of.
func (u *deployedCode) bound(q question) *usage.Bound {
	b := &usage.Bound{Index: u.code().index, Schema: u.deployed[q.database], Class: u.class(q)}
	if other, _ := u.elsewhere(q); len(other) > 0 {
		b.Skip = func(p string) bool { return under(other, p) }
	}
	return b
}

// rawSQL answers a question on what the framework's models do not name: SQL that the code
// spells out, and mappers of other programs, need none.
func (u *deployedCode) rawSQL(q question) analysis.Usage {
	b := u.bound(q)
	uses := b.Relation(q.Name)
	if q.Column != "" {
		uses = b.Column(q.Name, q.Column)
	}
	return u.told(b, q, uses)
}

// inCode answers a question on a column, or on what has a name: a relation or what is none.
func (u *deployedCode) inCode(q question) analysis.Usage {
	b := u.bound(q)
	if q.Column != "" {
		out := u.told(b, q, b.Column(q.Name, q.Column))
		if !out.Used {
			u.named(b, q, &out)
		}
		return out
	}
	uses := b.Relation(q.Name)
	if joined := u.joined(q.Name.Name); joined != nil {
		uses = append(uses, joined...)
	}
	if r := u.relation(q); r == nil || r.Index != nil || r.Kind == catalog.CompositeType {
		uses = append(uses, u.objects(b, q)...)
	}
	out := u.told(b, q, uses)
	if !out.Used {
		u.said(b, q.Name.Name, &out)
	}
	return out
}

// comparing answers the question whether the code compares whole rows of a table, in
// SQL or in a mapper's words.
func (u *deployedCode) comparing(q question) analysis.Usage {
	b := u.bound(q)
	return u.told(b, q, b.Compares(q.Name))
}

// relation is the relation of a question in the deployed schema; nil for none.
func (u *deployedCode) relation(q question) *catalog.Relation {
	if c := u.deployed[q.database]; c != nil {
		return c.Lookup(q.Name.Schema, q.Name.Name)
	}
	return nil
}

// objects are the places that use something by its name that is no relation: a
// function, a type, a constraint, a schema.
func (u *deployedCode) objects(b *usage.Bound, q question) []usage.Use {
	uses := b.Function(q.Name)
	uses = append(uses, b.Type(q.Name)...)
	uses = append(uses, b.Constraint(q.Name.Name)...)
	uses = append(uses, b.Spelled(q.Name)...)
	if q.Name.Schema == "" {
		uses = append(uses, b.InSchema(q.Name.Name)...)
	}
	return uses
}

// told is what places that were parsed tell of a question.
func (u *deployedCode) told(b *usage.Bound, q question, uses []usage.Use) analysis.Usage {
	out := analysis.Usage{Known: len(uses) > 0 || u.code().err == nil && !u.mayBeInFaulty(q), Used: len(uses) > 0, Nothing: len(uses) == 0 && u.nothing(b, q)}
	out.Evidence = u.evidence(uses, maxEvidence)
	if q.Column != "" {
		var reads, writes []usage.Use
		for _, e := range uses {
			if e.How == usage.Reads || e.How == usage.Maps || e.How == usage.Exports {
				reads = append(reads, e)
			}
			if e.How != usage.Reads && e.How != usage.Exports {
				writes = append(writes, e)
			}
		}
		out.Read, out.Written = u.evidence(reads, maxEvidence), u.evidence(writes, maxEvidence)
		return out
	}
	out.Put = len(uses) > 0 && !slices.ContainsFunc(uses, func(e usage.Use) bool { return e.How != usage.Names })
	out.ReadOnly = len(uses) > 0 && !slices.ContainsFunc(uses, func(e usage.Use) bool { return e.How != usage.Reads }) && len(b.String(q.Name.Name)) == 0
	out.Unfilled, out.Unread = len(uses) > 0 && !slices.ContainsFunc(uses, fills), len(uses) > 0 && !slices.ContainsFunc(uses, looks)
	out.All = b.All(q.Name)
	written := b.Writes(q.Name)
	places := make([]usage.Use, 0, len(written))
	for _, w := range written[:min(len(written), maxInserts)] {
		places = append(places, usage.Use{Path: w.Path, Line: w.Line})
	}
	shown := u.evidence(places, maxInserts)
	for i, w := range written[:min(len(written), maxInserts)] {
		x := analysis.Written{How: w.How, Columns: w.Columns, Evidence: shown[i]}
		out.Writes = append(out.Writes, x)
		if w.How == usage.Inserts && w.Listed {
			var columns []string
			for _, c := range w.Columns {
				columns = append(columns, c.Column)
			}
			out.Inserts = append(out.Inserts, analysis.Insert{Columns: columns, Evidence: shown[i]})
		}
	}
	return out
}

// fills reports whether a use may put rows into its table: what a mapper is told of, or
// a name in a text, may be used for anything.
func fills(e usage.Use) bool {
	switch e.How {
	case usage.Reads, usage.Updates, usage.Deletes, usage.Exports, usage.Truncates, usage.Locks:
		return false
	}
	return true
}

// looks reports whether a use may read rows of its table.
func looks(e usage.Use) bool {
	switch e.How {
	case usage.Deletes, usage.Truncates, usage.Inserts, usage.Copies, usage.Locks:
		return false
	}
	return true
}

// labelled answers a question on a label of an enum.
func (u *deployedCode) labelled(q question) analysis.Usage {
	b := u.bound(q)
	out := u.told(b, q, b.Label(q.Name, q.Old))
	if !out.Used {
		u.said(b, q.Old, &out)
	}
	return out
}

// nothing reports whether the base has nothing that works on the database.
func (u *deployedCode) nothing(b *usage.Bound, q question) bool {
	empty, known := u.empty[q.database]
	if !known {
		models, _ := u.models(q.database)
		empty = models == nil && (&usage.Bound{Index: b.Index, Schema: b.Schema}).Empty()
		u.empty[q.database] = empty
	}
	return empty
}

// said looks for a name that no query has: as a text of its own, or in code that works
// on a relation of that name.
func (u *deployedCode) said(b *usage.Bound, name string, out *analysis.Usage) {
	var uses []usage.Use
	for _, e := range b.String(name) {
		if line := strings.TrimSpace(u.code().line(e.Path, e.Line)); !declares(e.Path, line, name) {
			uses = append(uses, e)
		}
	}
	if len(uses) > 0 {
		out.Named, out.Nothing, out.Evidence = true, false, u.evidence(uses, maxEvidence)
	}
}

// evidence shows the first of some places.
func (u *deployedCode) evidence(uses []usage.Use, most int) []onward.Evidence {
	uses = uses[:min(len(uses), most)]
	u.code().fetch(uses)
	var out []onward.Evidence
	for _, e := range uses {
		x := onward.Evidence{Kind: "code", Path: e.Path, Line: e.Line, Text: u.code().line(e.Path, e.Line), Revision: u.name}
		if r := u.recording(e.Path); r != nil {
			x.Kind, x.Revision = "query", r.revision()
		}
		out = append(out, x)
	}
	return out
}
