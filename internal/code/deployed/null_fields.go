package deployed

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/onward"
)

// findNullFailures answers which fields of the deployed code fail to read NULL from a column, and where the code at the head
// may write NULL: if one of its fields takes NULL. A field of the deployed code that takes NULL is no reason for the
// head to write it.
func (u *Code) findNullFailures(q question) analysis.Usage {
	name := catalog.Name{Schema: q.Name.Schema, Name: q.Name.Name}
	deployed := u.indexFor(q).Nulls(name, q.Column)
	out := analysis.Usage{Known: true, FailsAtNull: u.nullFieldEvidence(deployed, facts.NullFails)}
	if len(out.FailsAtNull) == 0 || u.Head == nil {
		return out
	}
	head := u.Head()
	head.Schemas = u.Schemas
	out.WritesNull = head.nullFieldEvidence(head.indexFor(q).Nulls(name, q.Column), facts.NullTaken)
	return out
}

// nullFieldEvidence returns the places of the fields that take NULL, or that fail at it, as null says.
func (u *Code) nullFieldEvidence(fields []index.NullField, null facts.Null) []onward.Evidence {
	var uses []index.Use
	for _, f := range fields {
		if f.Null == null {
			uses = append(uses, index.Use{Path: f.Path, Line: f.Line})
		}
	}
	return u.makeEvidence(uses, maxEvidence)
}
