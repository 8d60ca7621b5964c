package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// useSchema makes the run work on the schema of Config.Schema alone: each session has it as its search_path, and the ledger has a lease and plans
// of its own for it. A second call changes nothing.
func (c *settings) useSchema(ctx context.Context) error {
	if c.Schema == "" || !c.scope.IsDatabase() {
		return nil
	}
	if strings.Contains(c.Schema, ".") {
		return &RefusedError{Text: fmt.Sprintf("the schema %q has a dot in its name, and onward apply cannot tell it from two names", c.Schema)}
	}
	if len(c.Workload) > 0 {
		return inputError("the queries of --workload can be checked for a whole database only, and not for a schema")
	}
	path := c.SearchPath
	if path == "" {
		path = pgparse.QuoteIdent(c.Schema)
	}
	c.DB = address.WithSetting(c.DB, "search_path", path)
	conn, err := live.Connect(ctx, c.DB, controlName, nil)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var current string
	if err := conn.QueryRow(ctx, "SELECT coalesce(current_schema(), '')").Scan(&current); err != nil {
		return err
	}
	if c.scope, err = ledger.FindScope(ctx, conn, c.Schema); errors.Is(err, ledger.ErrNoSchema) {
		return &RefusedError{Text: fmt.Sprintf("the database has no schema %q", c.Schema)}
	}
	if err == nil && current != c.Schema {
		return inputError(fmt.Sprintf("the search_path %s does not begin with the schema %q", path, c.Schema))
	}
	return err
}

// planForSchema returns a plan as it runs in a schema. The plan was made for the schema public and names no schema, so the search_path decides. Its
// cursors, which are in the schema onward, get the number of the schema.
func planForSchema(p *onward.Plan, scope ledger.Scope) (*onward.Plan, error) {
	digest, err := ledger.PlanDigest(p)
	if err != nil {
		return nil, err
	}
	out := *p
	out.Steps = nil
	for i := range p.Steps {
		s := p.Steps[i]
		if dropsPlanSchema(&s) { // other schemas may have cursors there: see dropCursorSchema
			continue
		}
		if err := checkSchemaFree(&s); err != nil {
			return nil, &RefusedError{Step: s.ID, Text: "the plan cannot run in schemas: " + err.Error() + ". Make it from migrations that name no schema"}
		}
		moveStep(&s, scope)
		out.Steps = append(out.Steps, s)
	}
	if p.Digest == digest { // else its change stays visible
		out.Digest, err = ledger.PlanDigest(&out)
	}
	return &out, err
}

// dropsPlanSchema reports whether a step only drops the schema of the cursors.
func dropsPlanSchema(s *onward.PlanStep) bool {
	return s.Bookkeeping && strings.Contains(s.SQL, "DROP SCHEMA IF EXISTS "+onward.PlanRoom+";")
}

// moveStep changes what in a step depends on the schema.
func moveStep(s *onward.PlanStep, scope ledger.Scope) {
	s.Effects = slices.Clone(s.Effects)
	for i := range s.Effects {
		s.Effects[i].Relation = moveRelation(s.Effects[i].Relation, scope)
	}
	move := func(sql string) string { return renameCursors(sql, scope) }
	s.SQL, s.Undo, s.Check = move(s.SQL), move(s.Undo), move(s.Check)
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
			if name, ok := strings.CutPrefix(known, "view "); ok && !strings.Contains(name, ".") {
				r.Known[j] = "view " + pgparse.QuoteIdent(scope.Schema) + "." + name
			}
		}
	}
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

// deployedRelation returns the name for which the plan was made.
func deployedRelation(name string, scope ledger.Scope) string {
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

// renameCursors renames the tables of the schema onward in SQL.
func renameCursors(sql string, scope ledger.Scope) string {
	if !strings.Contains(sql, onward.PlanRoom+".") {
		return sql
	}
	var b strings.Builder
	copied, room := 0, false
	for before, x := (pgparse.Lexeme{}), pgparse.NextLexeme(sql, 0); x.Kind != pgparse.LexemeEnd; before, x = x, pgparse.NextLexeme(sql, x.End) {
		if x.Kind == pgparse.LexemeOther && sql[x.Start:x.End] == "." {
			room = before.Kind == pgparse.LexemeWord && sql[before.Start:before.End] == onward.PlanRoom
			continue
		}
		if room && (x.Kind == pgparse.LexemeWord || x.Kind == pgparse.LexemeQuoted) {
			b.WriteString(sql[copied:x.Start] + pgparse.QuoteIdent(cursorName(plainName(sql[x.Start:x.End]), scope)))
			copied = x.End
		}
		room = false
	}
	return b.String() + sql[copied:]
}

// plainName returns a name without its quotes.
func plainName(word string) string {
	if inner, ok := strings.CutPrefix(word, `"`); ok {
		return strings.ReplaceAll(strings.TrimSuffix(inner, `"`), `""`, `"`)
	}
	return strings.ToLower(word)
}

// readOwnSchema reads the deployed schema, for the comparison with the one that the plan was made for. A schema of a database is read alone, and
// as if its name was public.
func (t *Target) readOwnSchema(ctx context.Context) (*live.Schema, error) {
	if t.c.scope.IsDatabase() {
		return live.ReadSchema(ctx, t.c.DB)
	}
	return live.ReadSchemaAsPublic(ctx, t.c.DB, t.c.Schema)
}

// cursorSchemaLock is the key of the advisory lock under which the schema onward is created and dropped: "cursor" in ASCII.
const cursorSchemaLock = 0x637572736f72

// lockCursorSchema makes a step that creates the schema onward wait for those that drop it, or create it for another schema.
func (t *Target) lockCursorSchema(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	if t.c.scope.IsDatabase() || !createsPlanSchema(s) {
		return nil
	}
	_, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock($1)", int64(cursorSchemaLock))
	return err
}

// dropSharedCursorSchema drops the schema onward unless a plan for another schema has a cursor there, or is about to create one.
func dropSharedCursorSchema(ctx context.Context, tx pgx.Tx) error {
	var empty bool
	if err := tx.QueryRow(ctx, `SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock($1) THEN NOT EXISTS (SELECT FROM pg_catalog.pg_depend
			WHERE refclassid = 'pg_namespace'::regclass AND refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2)) ELSE false END`,
		int64(cursorSchemaLock), onward.PlanRoom).Scan(&empty); err != nil || !empty {
		return err
	}
	_, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+onward.PlanRoom+" RESTRICT")
	return err
}

func createsPlanSchema(s *onward.PlanStep) bool {
	return strings.Contains(s.SQL, "CREATE SCHEMA IF NOT EXISTS "+onward.PlanRoom)
}
