package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// listKnownObjects returns what is on a table of the base, for which the plan was made, under the names of package inventory: "index users_email_idx".
func (r *Release) listKnownObjects(t *catalog.Relation) (out []string) {
	add := func(kind, name string) { out = append(out, kind+" "+name) }
	for _, col := range t.Columns {
		name := quoteIdent(col.Name)
		add("column", name)
		switch {
		case col.Generated != "":
			add("generated column", name)
		case col.Identity != "":
			add("identity", name)
		case col.Default != nil || col.Sequence != 0:
			add("default", name)
		}
		if col.NotNull {
			add("not null", name)
		}
	}
	for _, seq := range r.Deployed.SequencesOf(t) {
		add("sequence", quoteIdent(seq.Name.Name))
	}
	for _, index := range r.Deployed.IndexesOf(t) {
		if index.Index.Constraint == "" {
			add("index", quoteIdent(index.Name.Name))
		}
	}
	for _, con := range t.Constraints {
		if kind := constraintEntries[con.Kind]; kind != "" {
			add(kind, quoteIdent(con.Name))
		}
	}
	for _, ref := range r.Deployed.ListReferences(t, false) {
		if ref.From.OID != t.OID {
			add("foreign key", quoteIdent(ref.Con.Name)+" of "+pgparse.QuoteIdent(ref.From.Name.Schema)+"."+pgparse.QuoteIdent(ref.From.Name.Name))
		}
	}
	for _, tr := range t.Triggers {
		add("trigger", quoteIdent(tr.Name))
	}
	for _, v := range r.Deployed.RelationsByOID(t.Dependents) {
		add(v.Kind.String(), tableName(v))
	}
	for _, fn := range r.Deployed.BodiesOver(t.OID, 0) {
		add("function", pgparse.QuoteIdent(fn.Name.Schema)+"."+pgparse.QuoteIdent(fn.Name.Name))
	}
	return out
}

// constraintEntries are the kinds of constraints in an inventory. A NOT NULL constraint is a property of its column.
var constraintEntries = map[catalog.ConstraintKind]string{
	catalog.Check:      "check",
	catalog.ForeignKey: "foreign key",
	catalog.Unique:     "unique constraint",
	catalog.PrimaryKey: "primary key",
	catalog.Exclude:    "exclusion constraint",
}
