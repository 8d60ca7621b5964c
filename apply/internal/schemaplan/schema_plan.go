// Package schemaplan makes a plan for the schema public run in another schema.
package schemaplan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// PlanForSchema returns a plan as it runs in a schema. The plan was made for the schema public and names no schema, so the search_path decides. Its
// cursors, which are in the schema onward, get the number of the schema.
func PlanForSchema(p *onward.Plan, scope ledger.Scope) (*onward.Plan, error) {
	digest, err := ledger.PlanDigest(p)
	if err != nil {
		return nil, err
	}
	out := *p
	out.Steps = nil
	for i := range p.Steps {
		s := p.Steps[i]
		if recipe.DropsSchema(&s) { // other schemas may have cursors there
			continue
		}
		if err := CheckSchemaFree(&s); err != nil {
			return nil, &run.RefusedError{Step: s.ID, Text: "the plan cannot run in schemas: " + err.Error() + ". Make it from migrations that name no schema"}
		}
		moveStep(&s, scope)
		out.Steps = append(out.Steps, s)
	}
	if p.Digest == digest { // else its change stays visible
		out.Digest, err = ledger.PlanDigest(&out)
	}
	return &out, err
}

// moveStep changes what in a step depends on the schema.
func moveStep(s *onward.PlanStep, scope ledger.Scope) {
	s.Effects = slices.Clone(s.Effects)
	for i := range s.Effects {
		s.Effects[i].Relation = moveRelation(s.Effects[i].Relation, scope)
	}
	move := func(sql string) string { return renameCursors(sql, scope) }
	s.SQL, s.Undo, s.Check = move(s.SQL), move(s.Undo), move(s.Check)
	s.Marks = slices.Clone(s.Marks)
	for i := range s.Marks {
		s.Marks[i].Marks = move(s.Marks[i].Marks)
	}
	if s.Backfill != nil {
		b := *s.Backfill
		b.Work = move(b.Work)
		s.Backfill = &b
	}
	s.Replaces = slices.Clone(s.Replaces)
	for i := range s.Replaces {
		r := &s.Replaces[i]
		r.Known = slices.Clone(r.Known)
		for j, known := range r.Known {
			r.Known[j] = moveObjectToSchema(known, pgparse.QuoteIdent(scope.Schema))
		}
	}
}

// moveObjectToSchema changes the schema in the name of an object that a plan was made for.
func moveObjectToSchema(known, schema string) string {
	for _, kind := range []string{"view ", "materialized view "} {
		if name, ok := strings.CutPrefix(known, kind); ok && !strings.Contains(name, ".") {
			return kind + schema + "." + name
		}
	}
	return renameObjectSchema(known, "public", schema)
}

// moveRelation returns the name in the schema of a relation that an effect names.
func moveRelation(name string, scope ledger.Scope) string {
	if table, ok := strings.CutPrefix(name, "public."); ok {
		return scope.Schema + "." + table
	}
	if cursor, ok := strings.CutPrefix(name, onward.PlanRoom+"."); ok {
		return onward.PlanRoom + "." + cursorName(cursor, scope)
	}
	return name
}

// DeployedRelation returns the name for which the plan was made.
func DeployedRelation(name string, scope ledger.Scope) string {
	if table, ok := strings.CutPrefix(name, scope.Schema+"."); ok && !scope.IsDatabase() {
		return "public." + table
	}
	return name
}

// longestName is the maximum length of a name in Postgres.
const longestName = 63

// cursorName returns the name of a cursor's table for a schema.
func cursorName(name string, scope ledger.Scope) string {
	suffix := fmt.Sprintf("_%d", scope.OID)
	if len(name)+len(suffix) > longestName {
		sum := sha256.Sum256([]byte(name))
		suffix = "_" + hex.EncodeToString(sum[:4]) + suffix
		name = strings.ToValidUTF8(name[:longestName-len(suffix)], "")
	}
	return name + suffix
}

// functionQuote is around the body of a plan's function.
const functionQuote = "$onward$"

// renameCursors renames the tables of the schema onward in SQL, also in the body of a function.
func renameCursors(sql string, scope ledger.Scope) string {
	if !strings.Contains(sql, onward.PlanRoom+".") {
		return sql
	}
	sql = renamePrivileges(sql, scope)
	var b strings.Builder
	copied, room := 0, false
	for before, x := (pgparse.Lexeme{}), pgparse.NextLexeme(sql, 0); x.Kind != pgparse.LexemeEnd; before, x = x, pgparse.NextLexeme(sql, x.End) {
		if body, isFunction := strings.CutPrefix(sql[x.Start:x.End], functionQuote); isFunction && x.Kind == pgparse.LexemeString {
			b.WriteString(sql[copied:x.Start] + functionQuote + renameCursors(body, scope))
			copied = x.End
			continue
		}
		if x.Kind == pgparse.LexemeOther && sql[x.Start:x.End] == "." {
			room = before.Kind == pgparse.LexemeWord && sql[before.Start:before.End] == onward.PlanRoom
			continue
		}
		if room && (x.Kind == pgparse.LexemeWord || x.Kind == pgparse.LexemeQuoted) {
			b.WriteString(sql[copied:x.Start] + pgparse.QuoteIdent(cursorName(pgparse.UnquoteIdent(sql[x.Start:x.End]), scope)))
			copied = x.End
		}
		room = false
	}
	return b.String() + sql[copied:]
}

// renamePrivileges renames the tables of the schema onward in the statements that set their privileges.
func renamePrivileges(sql string, scope ledger.Scope) string {
	file, err := pgparse.SplitText(sql)
	if err != nil {
		return sql
	}
	for _, stmt := range slices.Backward(file.Stmts) {
		if text := sql[stmt.Start:stmt.End]; acl.SetsPrivileges(text) {
			sql = sql[:stmt.Start] + acl.RenameObjects(text, func(name string) string { return renameCursors(name, scope) }) + sql[stmt.End:]
		}
	}
	return sql
}

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
