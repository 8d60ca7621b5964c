package rehearse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
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
		err := fill.Restore(ctx, h.server.URL(h.base.database), path, h.server.Install().Bin)
		if err == nil {
			return h.hand(ctx)
		}
		role := missingRole(err)
		if role == "" || h.Server != "" {
			return &BaseError{Err: fmt.Errorf("%s: %w", path, err)}
		}
		if err := h.makeRole(ctx, h.server, role); err != nil {
			return err
		}
		// The half that was restored goes.
		if err := execAll(ctx, h.server.URL("postgres"), "DROP DATABASE "+h.base.database+" WITH (FORCE)",
			"CREATE DATABASE "+h.base.database+" OWNER "+roleName+" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
			return err
		}
	}
	return &BaseError{Err: fmt.Errorf("%s names more than %d roles that do not exist", path, maxScenes)}
}

// hand gives what a superuser restored to the role of the migrations.
func (h *history) hand(ctx context.Context) error {
	if h.Server != "" || h.Superuser {
		return nil
	}
	return execAll(ctx, h.server.URL(h.base.database), giveAway)
}

// giveAway makes the role the owner of every object of the database that a
// superuser owns.
const giveAway = `DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT format('ALTER %s %s OWNER TO onward', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass) AS sql
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE relkind IN ('r','p','v','m','S','f') AND n.nspname NOT IN ('pg_catalog','information_schema') AND n.nspname NOT LIKE 'pg_toast%'
      AND relowner = 10 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a','i','e') AND (c.relkind = 'S' OR d.deptype = 'e'))
    UNION ALL SELECT format('ALTER SCHEMA %I OWNER TO onward', nspname) FROM pg_namespace WHERE nspowner = 10 AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    UNION ALL SELECT format('ALTER ROUTINE %s OWNER TO onward', p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE proowner = 10 AND prokind <> 'a' AND nspname NOT IN ('pg_catalog','information_schema') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL SELECT format('ALTER TYPE %s OWNER TO onward', t.oid::regtype) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE typowner = 10 AND typtype IN ('e','d','r') AND nspname NOT IN ('pg_catalog','information_schema') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
  LOOP EXECUTE r.sql; END LOOP;
END $$`

// migrate runs one migration of the base, making the roles that it names.
func (h *history) migrate(ctx context.Context, m *adapter.Migration) error {
	sc, err := script.Build(m.Source)
	if err != nil || m.Failed != "" {
		return &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: errors.Join(err, failed(m))}
	}
	for range maxScenes {
		if h.runner == nil {
			if h.runner, err = newRunner(ctx, h.server, h.version, h.base.database, nil); err != nil {
				return err
			}
		}
		stop, err := h.runner.migration(ctx, m, sc)
		if err != nil {
			return err
		}
		if stop == nil {
			return nil
		}
		if ddl := missingBookkeeper(stop.err); ddl != "" {
			if _, err := h.runner.admin.Exec(ctx, ddl, pgx.QueryExecModeSimpleProtocol); err == nil {
				continue
			}
		}
		role := missingRole(stop.err)
		if role == "" || h.Server != "" {
			return &BaseError{Migration: m.ID, Path: m.Path, Line: stop.statement.Line, Err: stop.err}
		}
		if err := h.makeRole(ctx, h.server, role); err != nil {
			return err
		}
		if err := h.welcome(ctx, h.server, h.base.database); err != nil {
			return err
		}
		if sc.Source.Mode != onward.TransactionFile {
			continue // what ran stays; most histories are written to be run again
		}
	}
	return &BaseError{Migration: m.ID, Path: m.Path, Line: 1, Err: fmt.Errorf("it names more than %d roles that do not exist", maxScenes)}
}

func failed(m *adapter.Migration) error {
	if m.Failed == "" {
		return nil
	}
	return errors.New(m.Failed)
}
