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

// history makes the schema of the base in its database.
func (v *version) history(ctx context.Context, s *pgserver.Server) error {
	h := &history{version: v, server: s}
	defer h.close(ctx)
	if path := cmp.Or(v.Dump, v.Schema); path != "" {
		if err := h.restore(ctx, path); err != nil {
			return err
		}
	} else {
		if err := h.sources(ctx, v.release.Deployed()); err != nil {
			return err
		}
	}
	return h.keep(ctx)
}

// history is the making of a base.
type history struct {
	*version
	server *pgserver.Server
	runner *runner
	// tried is what statements lacked and was looked for; lost are the places of
	// statements that were left out.
	tried map[lack]bool
	lost  []string
	// relations are those that the migration which failed makes in schemas that it
	// names.
	relations map[string][]string
	// book is the bookkeeper of the tool whose migrations are run.
	book *adapter.Book
}

func (h *history) close(ctx context.Context) {
	if h.runner != nil {
		h.runner.close(ctx)
	}
}

// sources runs the histories one after the other. One that does not go on may
// wait for what another one makes; one that the release adds nothing to, and
// that does not run beside the others, may be for another database.
func (h *history) sources(ctx context.Context, lists []audit.History) error {
	slices.SortStableFunc(lists, func(a, b audit.History) int { return btoi(b.Grows) - btoi(a.Grows) })
	at := make([]int, len(lists))
	for {
		var first error
		moved := false
		for i, list := range lists {
			n, err := h.source(ctx, list, at[i])
			moved = moved || n > at[i]
			at[i] = n
			var base *BaseError
			switch {
			case errors.As(err, &base) && !list.Grows && len(lists) > 1:
				h.base.Notes = append(h.base.Notes, fmt.Sprintf("of %s, which the release does not change, the base has %d of %d migrations: %v", cmp.Or(list.Source.Dir, "."), n, len(list.Migrations), base.Err))
				at[i] = len(list.Migrations)
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

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// source runs a history from one of its migrations on, and tells how far it came.
func (h *history) source(ctx context.Context, list audit.History, at int) (int, error) {
	h.book = bookOf(list.Source)
	for ; at < len(list.Migrations); at++ {
		if err := h.migrate(ctx, list.Migrations[at]); err != nil {
			var base *BaseError
			if errors.As(err, &base) {
				base.Unrun = unrun(list.Migrations[:at])
			}
			return at, err
		}
	}
	return at, nil
}

// unrun lists the migrations of which something was not run, because it is code.
func unrun(list []*adapter.Migration) []string {
	var out []string
	for _, m := range list {
		for _, o := range m.Opaque {
			out = append(out, m.ID+" ("+o.What+")")
			break
		}
	}
	return out
}

// restore runs a dump, making the roles that it names.
func (h *history) restore(ctx context.Context, path string) error {
	for range maxScenes {
		err := h.bring(ctx, path)
		if err == nil {
			return nil
		}
		role := missingRole(err)
		if role == "" || h.Server != "" {
			return &BaseError{Err: err, Reached: reachedInFile(err)}
		}
		if err := h.makeRole(ctx, h.server, role); err != nil {
			return err
		}
		// The half that was restored goes.
		if err := execAll(ctx, h.server, "", "", "DROP DATABASE "+h.base.database+" WITH (FORCE)",
			"CREATE DATABASE "+h.base.database+" OWNER "+roleName+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'", admit(h.base.database)); err != nil {
			return err
		}
		if err := execAll(ctx, h.server, "", h.base.database, "ALTER SCHEMA public OWNER TO "+roleName); err != nil {
			return err
		}
	}
	return &BaseError{Err: fmt.Errorf("%s names more than %d roles that do not exist", path, maxScenes)}
}

// bring restores a dump as the role of the migrations, which owns all of it then:
// its text may be a stranger's, as theirs is.
func (h *history) bring(ctx context.Context, path string) error {
	look, err := h.server.Connect(ctx, lookName, h.base.database)
	if err != nil {
		return err
	}
	defer look.Close(ctx)
	d := deputy{
		version: h.version, server: h.server, db: h.base.database, look: look, note: h.note,
		may:    func(name string) bool { return harmless[name] || guarded[name] },
		schema: func(context.Context) (string, error) { return "public", nil },
	}
	made := roles{version: h.version, server: h.server, db: h.base.database}
	if err := made.look(ctx, look); err != nil {
		return err
	}
	left, err := fill.Restore(ctx, fill.Dump{
		File: path, URL: h.url(h.server, h.base.database), Bin: h.server.Install().Bin,
		Instead: func(ctx context.Context, sql string) (bool, error) {
			if f, err := pgparse.Split(sql); err == nil && len(f.Stmts) == 1 && f.Stmts[0].Err == nil {
				return d.instead(ctx, f.Stmts[0].Node)
			}
			return false, nil // the server says what is wrong with it
		},
	})
	if len(left) > 0 {
		h.note("left out of " + filepath.Base(path) + ", as only a superuser may run it (--superuser does): " + strings.Join(left, ", "))
	}
	others, claim := made.claim(ctx, look)
	for _, name := range others {
		h.note(leftAlone(name))
	}
	return errors.Join(err, claim)
}

func (h *history) note(text string) {
	if !slices.Contains(h.base.Notes, text) {
		h.base.Notes = append(h.base.Notes, text)
	}
}

// mostSupplies bounds what one migration of the base is given.
const mostSupplies = 200

// migrate runs one migration of the base, making what it takes for granted.
func (h *history) migrate(ctx context.Context, m *adapter.Migration) error {
	sc, err := script.Build(m.Source)
	if err != nil || m.Failed != "" {
		return &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: errors.Join(err, failed(m))}
	}
	rest := sc
	for range mostSupplies {
		if h.runner == nil {
			if h.runner, err = newRunner(ctx, h.server, h.version, h.base.database, nil); err != nil {
				return err
			}
		}
		stop, err := h.runner.migration(ctx, m, rest)
		if err != nil {
			return err
		}
		if stop == nil {
			return nil
		}
		supplied, err := h.supplied(ctx, m, sc, stop)
		if err != nil {
			return err
		}
		if !supplied {
			return &BaseError{Migration: m.ID, Path: m.Path, Line: stop.statement.Line, Err: stop.err, Reached: reached(stop)}
		}
		rest = uncommitted(sc, stop.statement)
	}
	return &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: fmt.Errorf("it takes more than %d things for granted that do not exist", mostSupplies)}
}

// supplied makes what a statement of the base lacks.
func (h *history) supplied(ctx context.Context, m *adapter.Migration, sc *script.Script, stop *stopped) (bool, error) {
	if h.runner.conn.IsClosed() {
		return false, nil
	}
	if ddl := missingBookkeeper(stop.err, h.book); ddl != "" {
		if err := h.asMigrations(ctx, h.server, h.base.database, ddl); err == nil {
			return true, nil
		}
	}
	role := stop.role(h.roles)
	if role == "" {
		h.relations = qualified(sc)
		return h.supplyBase(ctx, fmt.Sprintf("%s:%d", m.Path, stop.statement.Line), stop)
	}
	if h.Server != "" {
		return false, nil
	}
	if err := h.makeRole(ctx, h.server, role); servers(err) {
		return false, nil // it cannot be made
	} else if err != nil {
		return false, err
	}
	return true, h.welcome(ctx, h.server, h.base.database)
}

func failed(m *adapter.Migration) error {
	if m.Failed == "" {
		return nil
	}
	return errors.New(m.Failed)
}
