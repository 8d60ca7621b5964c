package schemaplan

import (
	"strings"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
)

// FollowSchema changes a plan of the ledger whose schema has another name now than when it was begun. Its SQL names no schema, so only the
// search_path and the names of relations change.
func FollowSchema(p *ledger.Plan, scope ledger.Scope) error {
	from, to := p.Begun.Schema, scope.Schema
	if scope.IsDatabase() || from == to {
		return nil
	}
	digest, err := ledger.PlanDigest(&p.Plan)
	if err != nil {
		return err
	}
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		for j := range s.Effects {
			if table, ok := strings.CutPrefix(s.Effects[j].Relation, from+"."); ok {
				s.Effects[j].Relation = to + "." + table
			}
		}
		for _, r := range s.Replaces {
			for j, known := range r.Known {
				r.Known[j] = renameObjectSchema(known, pgparse.QuoteIdent(from), pgparse.QuoteIdent(to))
			}
		}
	}
	p.Path = pgparse.RenameInPath(p.Path, from, to)
	if p.Digest == digest { // else its change stays visible
		p.Digest, err = ledger.PlanDigest(&p.Plan)
	}
	return err
}

// renameObjectSchema changes the schema in the name of an object that a plan was made for. Both schemas are written as in SQL.
func renameObjectSchema(known, from, to string) string {
	for _, kind := range []string{"view ", "materialized view ", "function "} {
		if name, ok := strings.CutPrefix(known, kind+from+"."); ok {
			return kind + to + "." + name
		}
	}
	return strings.Replace(known, " of "+from+".", " of "+to+".", 1)
}

// RenameSchema returns a function that changes the name of a schema in the server's own definitions, which write it before each name. The text of a
// function's body stays: the server does not change it, either.
func RenameSchema(from, to string) func(text string) string {
	from, to = pgparse.QuoteIdent(from)+".", pgparse.QuoteIdent(to)+"."
	rename := func(text string) string {
		var b strings.Builder
		for {
			i := strings.Index(text, from)
			if i < 0 {
				return b.String() + text
			}
			name := to
			if i > 0 && (isNameByte(text[i-1]) || text[i-1] == '"') { // the end of another name
				name = from
			}
			b.WriteString(text[:i] + name)
			text = text[i+len(from):]
		}
	}
	return func(text string) string {
		var b strings.Builder
		copied := 0
		for x := pgparse.NextLexeme(text, 0); x.Kind != pgparse.LexemeEnd; x = pgparse.NextLexeme(text, x.End) {
			if x.Kind == pgparse.LexemeString && text[x.Start] == '$' {
				b.WriteString(rename(text[copied:x.Start]) + text[x.Start:x.End])
				copied = x.End
			}
		}
		return b.String() + rename(text[copied:])
	}
}
