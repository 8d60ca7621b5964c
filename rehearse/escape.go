package rehearse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

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
	inner := inContext(pg.Where)
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

// caught finds what a migration's blocks reached for without stopping at the
// refusal.
func (v *version) caught(step *step, stop *stopped) {
	if v.Superuser {
		return // who says what was refused?
	}
	for _, st := range before(step.script, stop) {
		if st.Parent < 0 {
			continue
		}
		if does := grave(st.Node, st.SQL); does != "" {
			v.found(rehearsal.TriedToEscape, step, st, "it "+does+", in a block that goes on without it", "", "")
		}
	}
}

// before are the statements of a script that ran to their end.
func before(sc *script.Script, stop *stopped) []*script.Statement {
	if stop == nil || stop.statement == nil {
		return sc.Statements
	}
	return sc.Statements[:stop.statement.Index]
}

// inspect looks for traps that a migration has left in a database. sc is what
// ran, up or down.
func (v *version) inspect(ctx context.Context, conn querier, step *step, sc *script.Script, stop *stopped) error {
	if len(sc.Statements) == 0 {
		return nil
	}
	traps, err := findTraps(ctx, conn)
	if servers(err) { // a superuser's migration may have ended this session too
		v.Logger.Debug("look for what others would run", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for what others would run: %w", err)
	}
	made := map[*script.Statement][]trap{}
	for _, t := range traps.left {
		if !v.trapped[t.object] {
			v.trapped[t.object] = true
			at := origin(sc, t.names)
			made[at] = append(made[at], t)
		}
	}
	for _, st := range sc.Statements {
		if list := made[st]; len(list) > 0 {
			fact := list[0].fact()
			if n := len(list) - 1; n > 0 {
				fact += fmt.Sprintf("; %d more that it makes are like that", n)
			}
			v.left(step, sc, st, fact)
		}
	}
	if v.Superuser {
		return nil
	}
	for _, st := range before(sc, stop) {
		if name, does := traps.called(st.Node); does != "" {
			v.left(step, sc, st, fmt.Sprintf("it calls %s, which %s", name, does))
		}
	}
	return nil
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

// left adds a finding at a statement of the way up or down.
func (v *version) left(step *step, sc *script.Script, at *script.Statement, fact string) {
	if sc != step.script {
		fact = fmt.Sprintf("on the way down, at line %d: %s", at.Line, fact)
		at = step.first()
	}
	v.found(rehearsal.TriedToEscape, step, at, fact, "", "")
}

// origin is the statement that made something: one that names it, else one whose
// text does not show what it makes.
func origin(sc *script.Script, names []string) *script.Statement {
	var function, hidden *script.Statement
	for _, st := range sc.Statements {
		switch {
		case st.Node.GetDoStmt() == nil && slices.ContainsFunc(names, func(name string) bool { return strings.Contains(strings.ToLower(st.SQL), strings.ToLower(name)) }):
			if st.Node.GetCreateFunctionStmt() == nil {
				return st
			}
			if function == nil {
				function = st
			}
		case hidden == nil && mayNest(st):
			hidden = st
		}
	}
	return cmp.Or(function, hidden, sc.Statements[0])
}
