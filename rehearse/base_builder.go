package rehearse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
)

// buildSchema creates the schema of the base in its database.
func (v *version) buildSchema(ctx context.Context, s *pgserver.Server) error {
	h := &baseBuilder{version: v, server: s}
	defer h.closeConns(ctx)
	if path := cmp.Or(v.Dump, v.Schema); path != "" {
		if err := h.restoreDump(ctx, path); err != nil {
			return err
		}
	} else {
		if err := h.runHistories(ctx, v.release.Deployed()); err != nil {
			return err
		}
	}
	return h.storeNotes(ctx)
}

// baseBuilder creates a base.
type baseBuilder struct {
	*version
	server *pgserver.Server
	runner *runner
	// tried are things that statements lacked and that onward tried to create.
	// skippedPlaces are the places of statements that were left out.
	tried         map[missingObject]bool
	skippedPlaces []string
	// relations are those that the failed migration makes with a qualified name.
	relations map[string][]string
	// toolTable is the definition of the bookkeeping table of the tool whose migrations
	// run.
	toolTable *adapter.HistoryTable
}

func (h *baseBuilder) closeConns(ctx context.Context) {
	if h.runner != nil {
		h.runner.closeConn(ctx)
	}
}

// runHistories runs the histories of the migration directories one after the other. One
// that fails may wait for something that another one makes. One that the release
// does not extend, and that does not run along with the others, may belong to
// another database.
func (h *baseBuilder) runHistories(ctx context.Context, lists []audit.History) error {
	slices.SortStableFunc(lists, func(a, b audit.History) int { return boolToInt(b.Grows) - boolToInt(a.Grows) })
	positions := make([]int, len(lists))
	for {
		var first error
		moved := false
		for i, list := range lists {
			n, err := h.runHistory(ctx, list, positions[i])
			moved = moved || n > positions[i]
			positions[i] = n
			var base *BaseError
			switch {
			case errors.As(err, &base) && !list.Grows && len(lists) > 1:
				h.base.Notes = append(h.base.Notes, fmt.Sprintf("of %s, which the release does not change, the base has %d of %d migrations: %v",
					cmp.Or(list.Source.Dir, "."), n, len(list.Migrations), base.Err))
				positions[i] = len(list.Migrations)
			case errors.As(err, &base) && first == nil:
				first = err
			case err != nil && base == nil:
				return err
			}
		}
		if first == nil {
			return nil
		}
		if !moved {
			return first
		}
	}
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// runHistory runs a history from one of its migrations on, and returns how far it
// came.
func (h *baseBuilder) runHistory(ctx context.Context, list audit.History, position int) (int, error) {
	for ; position < len(list.Migrations); position++ {
		h.toolTable = historyTableOf(list.Source, list.Migrations[position].Runner.Name)
		if err := h.runBaseMigration(ctx, list.Migrations[position]); err != nil {
			var base *BaseError
			if errors.As(err, &base) {
				base.Unrun = unrunMigrations(list.Migrations[:position])
			}
			return position, err
		}
		if m := list.Migrations[position]; m.Framework == audit.PlanSteps {
			h.base.Notes = append(h.base.Notes, "the base has the steps of "+m.Path+" that are done on the database")
		}
	}
	return position, nil
}

// unrunMigrations lists the migrations with a part that was not run because it is code.
func unrunMigrations(list []*adapter.Migration) []string {
	var out []string
	for _, m := range list {
		for _, o := range m.Opaque {
			out = append(out, m.ID+" ("+o.What+")")
			break
		}
	}
	return out
}

// restoreDump restores a dump, creating the roles that it names.
func (h *baseBuilder) restoreDump(ctx context.Context, path string) error {
	if err := h.restoreAsRole(ctx, path); err != nil {
		return &BaseError{Err: err, Reached: attemptedEscapeInFile(err)}
	}
	return nil
}

// restoreAsRole restores a dump as the role of the migrations, which then owns everything
// in it. The dump is untrusted text like the migrations.
func (h *baseBuilder) restoreAsRole(ctx context.Context, path string) error {
	look, err := h.server.Connect(ctx, lookName, h.base.database)
	if err != nil {
		return err
	}
	defer look.Close(ctx)
	d := superuserHelper{
		version: h.version, server: h.server, db: h.base.database, catalogConn: look, note: h.addBaseNote,
		mayCreate: func(name string) bool { return harmlessExtensions[name] || guardedExtensions[name] },
		schema:    func(context.Context) (string, error) { return "public", nil },
	}
	roles := roleTracker{version: h.version, server: h.server, db: h.base.database}
	if err := roles.readRoles(ctx, look); err != nil {
		return err
	}
	var makeRole func(context.Context, string) error
	if h.Server == "" {
		makeRole = h.makeOwnerRole
	}
	left, err := fill.RestoreDump(ctx, fill.Dump{
		File: path, URL: h.databaseURL(h.server, h.base.database), Bin: h.server.Install().Bin, MakeRole: makeRole,
		Instead: func(ctx context.Context, sql string) (bool, error) {
			if f, err := pgparse.SplitText(sql); err == nil && len(f.Stmts) == 1 && f.Stmts[0].Err == nil {
				return d.runForRole(ctx, f.Stmts[0].Node)
			}
			return false, nil // the server reports what is wrong with it
		},
	})
	if len(left) > 0 {
		h.addBaseNote("left out of " + filepath.Base(path) + ", as only a superuser may run it (--superuser does): " + strings.Join(left, ", "))
	}
	foreignRoles, claim := roles.claimNewRoles(ctx, look)
	for _, name := range foreignRoles {
		h.addBaseNote(untouchedRoleNote(name))
	}
	return errors.Join(err, claim)
}

// makeOwnerRole makes a role that may own things in the base.
func (h *baseBuilder) makeOwnerRole(ctx context.Context, name string) error {
	if err := h.makeRole(ctx, h.server, name); err != nil {
		return err
	}
	return h.supplyPrerequisites(ctx, h.server, h.base.database)
}

func (h *baseBuilder) addBaseNote(text string) {
	if !slices.Contains(h.base.Notes, text) {
		h.base.Notes = append(h.base.Notes, text)
	}
}

// mostSupplies limits how many missing objects are created for one migration of
// the base.
const mostSupplies = 200

// runBaseMigration runs one migration of the base, and creates objects that it presupposes.
func (h *baseBuilder) runBaseMigration(ctx context.Context, m *adapter.Migration) error {
	sc, err := script.BuildScript(m.Source)
	if err != nil || m.Failed != "" {
		failed := &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: errors.Join(err, migrationError(m))}
		if h.recordTolerated(failed) {
			return nil
		}
		return failed
	}
	rest := sc
	for range mostSupplies {
		if h.runner == nil {
			if h.runner, err = newRunner(ctx, h.server, h.version, h.base.database, nil); err != nil {
				return err
			}
		}
		stop, err := h.runner.runMigration(ctx, m, rest)
		if err != nil {
			return err
		}
		if stop == nil {
			return nil
		}
		supplied, err := h.resolveBaseMissing(ctx, m, sc, stop)
		if err != nil {
			return err
		}
		if !supplied {
			failed := &BaseError{Migration: m.ID, Path: m.Path, Line: stop.statement.Line, Err: stop.err, Reached: cmp.Or(attemptedEscape(stop), maskedEscape(sc, stop))}
			if h.runner.conn.IsClosed() || !h.skipIfTolerated(failed, stop.statement) {
				return failed
			}
		}
		rest = uncommittedPart(sc, stop.statement)
	}
	return &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: fmt.Errorf("it takes more than %d things for granted that do not exist", mostSupplies)}
}

// mostRefused limits how many statements a tolerant stage skips.
const mostRefused = 500

// recordTolerated records a failure of the base's history if the stage is tolerant. A statement that tried to reach beyond its database
// is not tolerated.
func (h *baseBuilder) recordTolerated(failed *BaseError) bool {
	if !h.tolerant || failed.Reached != "" || len(h.base.Refused) >= mostRefused {
		return false
	}
	h.base.Refused = append(h.base.Refused, fmt.Sprintf("%s:%d: %v", failed.Path, failed.Line, failed.Err))
	return true
}

// skipIfTolerated skips a statement that the server refused, if the stage is tolerant.
func (h *baseBuilder) skipIfTolerated(failed *BaseError, st *script.Statement) bool {
	if h.skip[st] || !h.recordTolerated(failed) {
		return false
	}
	if h.skip == nil {
		h.skip = map[*script.Statement]bool{}
	}
	h.skip[st] = true
	return true
}

// resolveBaseMissing creates what a statement of the base lacks.
func (h *baseBuilder) resolveBaseMissing(ctx context.Context, m *adapter.Migration, sc *script.Script, stop *migrationFailure) (bool, error) {
	if h.runner.conn.IsClosed() {
		return false, nil
	}
	if ddl := missingHistoryTable(stop.err, h.toolTable); ddl != "" {
		if err := h.execAsMigrationRole(ctx, h.server, h.base.database, ddl); err == nil {
			return true, nil
		}
	}
	role := stop.neededRole(h.roles)
	if role == "" {
		h.relations = qualifiedRelations(sc)
		return h.supplyBaseObject(ctx, fmt.Sprintf("%s:%d", m.Path, stop.statement.Line), stop)
	}
	if h.Server != "" {
		return false, nil
	}
	if err := h.makeRole(ctx, h.server, role); isStatementFailure(err) {
		return false, nil // it cannot be created
	} else if err != nil {
		return false, err
	}
	return true, h.supplyPrerequisites(ctx, h.server, h.base.database)
}

func migrationError(m *adapter.Migration) error {
	if m.Failed == "" {
		return nil
	}
	return errors.New(m.Failed)
}
