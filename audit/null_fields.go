package audit

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

// findNullFailures answers which fields of the deployed code fail to read NULL from a column, and where the code at the head
// may write NULL: if one of its fields takes NULL. A field of the deployed code that takes NULL is no reason for the
// head to write it.
func (u *deployedCode) findNullFailures(q question) analysis.Usage {
	name := catalog.Name{Schema: q.Name.Schema, Name: q.Name.Name}
	deployed := u.indexFor(q).Nulls(name, q.Column)
	out := analysis.Usage{Known: true, FailsAtNull: u.nullFields(deployed, usage.NullFails)}
	if len(out.FailsAtNull) == 0 || u.head == nil {
		return out
	}
	head := u.head()
	head.deployed = u.deployed
	out.WritesNull = head.nullFields(head.indexFor(q).Nulls(name, q.Column), usage.NullTaken)
	return out
}

// nullFields are the places of the fields with one answer.
func (u *deployedCode) nullFields(fields []usage.NullField, with usage.Null) []onward.Evidence {
	var uses []usage.Use
	for _, f := range fields {
		if f.Null == with {
			uses = append(uses, usage.Use{Path: f.Path, Line: f.Line})
		}
	}
	return u.makeEvidence(uses, maxEvidence)
}
