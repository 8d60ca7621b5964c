package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/internal/script"
)

// A migration that reached out of its database is told apart from one that only
// needs a superuser: the first is a warning to whoever reads the branch. What is
// held against a migration is what was refused to it, and what it left for other
// sessions to run (trap.go).

// self is the role that runs the migrations.
var self = outside.Role{roleName}

// ownNames are the rehearsal's: who changes what is called so knows where it runs.
var ownNames = []string{lookName, watchName, "onward_rehearsal", "onward_rehearsal_start", "onward_rehearsal_end", workshop}

// reached tells what a refused statement reached for, "" for nothing that an
// honest migration does not reach for too.
func reached(stop *stopped) string {
	var pg *pgconn.PgError
	if !errors.As(stop.err, &pg) || stop.statement == nil {
		return ""
	}
	// Refused to the role, or to the server's process by the wall around it.
	if pg.Code != "42501" && !strings.HasPrefix(pg.Code, "38") && !strings.HasPrefix(pg.Code, "58") {
		return ""
	}
	if does := grave(stop.statement.Node, stop.statement.SQL); does != "" {
		return does
	}
	return graveText(inContext(pg.Where))
}

// reachedInFile tells it of a refused statement of a dump.
func reachedInFile(err error) string {
	var st *fill.StatementError
	if !errors.As(err, &st) {
		return ""
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" {
		return graveText(st.SQL)
	}
	return ""
}

// graveText is grave of a text that is one statement.
func graveText(inner string) string {
	if f, err := pgparse.Split(inner); err == nil && len(f.Stmts) == 1 {
		return grave(f.Stmts[0].Node, inner)
	}
	return ""
}

// grave is what a statement does beyond its database, and no honest one does.
func grave(n *pgparse.Node, sql string) string {
	for _, a := range self.Statement(n) {
		if !a.Honest {
			return a.Does
		}
	}
	if n.GetDoStmt() == nil && slices.ContainsFunc(pgparse.Names(sql), func(name string) bool { return slices.Contains(ownNames, name) }) {
		return "changes what is the rehearsal's own"
	}
	return ""
}

// caught finds what a migration reached for without stopping at the refusal, in
// its blocks, or without a refusal: before 15 a role may give itself to others.
func (v *version) caught(step *step, stop *stopped) {
	if v.Superuser {
		return // who says what was refused?
	}
	for _, st := range before(step.script, stop) {
		does := grave(st.Node, st.SQL)
		if does == "" || st.Parent < 0 && asks(st.Node) { // whoever only calls what is ours may
			continue
		}
		if st.Parent >= 0 {
			does += ", in a block that goes on without it"
		}
		v.found(rehearsal.TriedToEscape, step, st, "it "+does, "", "")
	}
}

// before are the statements of a script that ran to their end.
func before(sc *script.Script, stop *stopped) []*script.Statement {
	if stop == nil || stop.statement == nil {
		return sc.Statements
	}
	return sc.Statements[:stop.statement.Index]
}

// inspect looks for what a migration has left in a database. sc is what ran, up
// or down.
func (v *version) inspect(ctx context.Context, conn querier, step *step, sc *script.Script, stop *stopped) error {
	if len(sc.Statements) == 0 {
		return nil
	}
	traps, err := v.traps(ctx, conn, step, sc)
	if traps == nil || v.Superuser {
		return err
	}
	for _, st := range before(sc, stop) {
		if name, does := traps.called(st.Node); does != "" {
			v.left(step, sc, st, fmt.Sprintf("it calls %s, which %s", name, does))
		}
	}
	return nil
}

// traps tells of those that were not there before.
func (v *version) traps(ctx context.Context, conn querier, step *step, sc *script.Script) (*traps, error) {
	traps, err := findTraps(ctx, conn)
	if servers(err) { // a superuser's migration may have ended this session too
		v.Logger.Debug("look for what others would run", "error", err)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for what others would run: %w", err)
	}
	type place struct{ line, column int } // a loop makes several statements of one
	made := map[place][]trap{}
	for _, t := range traps.left {
		if !v.trapped[t.object] {
			v.trapped[t.object] = true
			st := origin(sc, t)
			at := place{st.Line, st.Column}
			made[at] = append(made[at], t)
		}
	}
	for _, st := range sc.Statements {
		at := place{st.Line, st.Column}
		if list := made[at]; len(list) > 0 {
			delete(made, at)
			fact := list[0].fact()
			if len(list) > 1 {
				fact += "; it makes more of the kind" // how many differs from version to version
			}
			v.left(step, sc, st, fact)
		}
	}
	return traps, nil
}

// glance looks for traps in the middle of a migration, at the last moment: others
// could have met them since they were committed, and the next statement may take
// them away.
func (s *scene) glance(ctx context.Context, next *script.Statement) error {
	n := next.Node
	if n.GetDropStmt() == nil && n.GetCreateFunctionStmt() == nil && n.GetRenameStmt() == nil && !mayNest(next) {
		return nil
	}
	if !slices.ContainsFunc(s.script.Statements[:next.Index], func(st *script.Statement) bool {
		return st.Node.GetCreateFunctionStmt() != nil || mayNest(st)
	}) {
		return nil
	}
	i := slices.IndexFunc(s.steps, func(step *step) bool { return step.Report == s.migration })
	_, err := s.traps(ctx, s.runner.look, s.steps[i], s.script)
	return err
}

// inherited notes the traps of the base, which are not the release's.
func (v *version) inherited(ctx context.Context, conn querier) error {
	traps, err := findTraps(ctx, conn)
	if err != nil {
		return fmt.Errorf("look for what others would run: %w", err)
	}
	for _, t := range traps.left {
		v.trapped[t.object] = true
	}
	return nil
}

// left adds a finding at a statement of a migration, up or down.
func (v *version) left(step *step, sc *script.Script, at *script.Statement, fact string) {
	if sc != step.script {
		fact = fmt.Sprintf("in the down migration, at line %d: %s", at.Line, fact)
		at = step.first()
	}
	v.found(rehearsal.TriedToEscape, step, at, fact, "", "")
}
